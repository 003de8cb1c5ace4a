"""Programs beside a sandbox or container, for a while: a `Command` goes in, an `Executed` comes out."""

import signal
import sys
import tempfile
from pathlib import Path
from typing import IO

import ferrule
from ferrule.engine.inside import Executed
from ferrule.process import Attached, Command, Starter

LONGEST_OUTPUT = 1 << 16
GRACE_SECONDS = 2.0

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
        return _attend(starter.attached(command, stdout=output, stderr=output), output, seconds)


def _attend(running: Attached, output: IO[bytes], seconds: float) -> Executed:
    try:
        ended = running.ended(seconds)
    finally:
        if not running.ended():
            _end(running)
    code = running.wait()
    output.seek(0)
    said = output.read(LONGEST_OUTPUT).decode(errors="replace")
    return Executed(code=code if ended else None, output=said)


def _end(running: Attached) -> None:
    running.signal(signal.SIGTERM)
    if not running.ended(GRACE_SECONDS):
        running.signal(signal.SIGKILL)
