"""Programs beside a sandbox or container, for a while: a `Command` goes in, an `Executed` comes out."""

import signal
import sys
import tempfile
import time
from pathlib import Path

import ferrule
from ferrule.engine.inside import Executed
from ferrule.process import Attached, Command, Starter

LONGEST_OUTPUT = 1 << 16
GRACE_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.02

# Without `site` it starts in a third of the time, and finds us wherever we are installed; our folder comes
# last, so that nothing in it can stand for the standard library.
LAUNCH = "import sys; sys.path.append(sys.argv[1]); from ferrule.engine.{module} import main; main()"


def launcher(module: str) -> tuple[str, ...]:
    """The words that start a module of ours which imports only the standard library."""
    package = Path(ferrule.__file__).parent.parent
    return (sys.executable, "-I", "-S", "-X", "utf8", "-c", LAUNCH.format(module=module), str(package))


def execute_for(starter: Starter, command: Command, seconds: float) -> Executed:
    """Run it, and end it after so many seconds; the output is both of its streams."""
    with tempfile.TemporaryFile(prefix="ferrule-") as output:
        running = starter.attached(command, stdout=output, stderr=output)
        deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
        while not (ended := running.ended()) and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        if not ended:
            _end(running)
        code = running.wait()
        output.seek(0)
        said = output.read(LONGEST_OUTPUT).decode(errors="replace")
    return Executed(code=code if ended else None, output=said)


def _end(running: Attached) -> None:
    running.signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while not running.ended() and time.monotonic() < deadline:
        time.sleep(LONGEST_PAUSE)
    running.signal(signal.SIGKILL)
