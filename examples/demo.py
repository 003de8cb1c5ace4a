"""`make demo`: the example service becomes an image, runs, and says that it is healthy.

Needs cargo and a C linker, no Docker and no registry; both are used where they are. Postgres comes from PyPI.
"""

import http.client
import json
import signal
import socket
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ferrule.engine.health import Question, wait_healthy
from ferrule.errors import FerruleError
from ferrule.process import Command, SystemRunner
from tests.parts.postgres import postgres

SHOP = Path(__file__).parent / "shop"
FERRULE = (sys.executable, "-m", "ferrule")
WAIT_SECONDS = 60.0


def main() -> int:
    """Build, migrate, run, ask, stop; every step says what it does."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferrule-demo-")))
        image = step("ferrule build examples/shop", "build", str(SHOP), "--locked")
        print(f"   {image}")
        say("starting a Postgres of its own")
        url = stack.enter_context(postgres(folder))
        port = free_port()
        flags = ("--network", "host", *variables(url, port))
        step(f"ferrule run {image} -- migrate", "run", image, *flags, "--", "migrate")
        serve(image, flags, port)
    print("\nNext: `ferrule plan examples/shop` says why the image looks as it does, and")
    print("`ferrule verify examples/shop` boots it with a database, as production would.")
    return 0


def variables(url: str, port: int) -> tuple[str, ...]:
    """The service's configuration as flags of `ferrule run`."""
    values = {
        "APP_DATABASE_URL": url,
        "APP_AUTH_JWT_SECRET": "a-secret-for-the-demo-and-nothing-else",
        "APP_ENV": "production",
        "APP_PORT": str(port),
        "RUST_LOG": "warn",
    }
    return tuple(part for name, value in values.items() for part in ("-e", f"{name}={value}"))


def serve(image: str, flags: tuple[str, ...], port: int) -> None:
    """Run the service as a user would, ask for its health, and stop it as Ctrl-C would."""
    say(f"ferrule run {image}")
    command = Command(argv=(*FERRULE, "run", "-v", image, *flags))
    service = SystemRunner().attached(command, stdout=sys.stdout.buffer, stderr=sys.stderr.buffer)
    try:
        answer = wait_healthy(Question(port=port, path="/health"), within=WAIT_SECONDS, ended=service.ended)
        if not answer.healthy:
            raise FerruleError(f"the service is not healthy: {answer.reason}")
        print(f"   healthy after {answer.seconds:.2f} s: GET /health answers {ask(port, '/health')}")
    finally:
        service.signal(signal.SIGINT)
        code = service.wait()
    print(f"   stopped by its stop signal, exit code {code}", flush=True)


def step(title: str, *arguments: str) -> str:
    """Say what is run, run it, and give the last line of its stdout."""
    say(title)
    finished = SystemRunner().run(Command(argv=(*FERRULE, *arguments), talk=True))
    if not finished.ok:
        raise FerruleError(f"{title} failed with {finished.returncode}", hint="its messages are above")
    return (finished.stdout.decode().strip().splitlines() or [""])[-1]


def ask(port: int, path: str) -> str:
    """The answer of the service, in one line."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    answer = json.dumps(json.load(connection.getresponse()))
    connection.close()
    return answer


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(text: str) -> None:
    """A step's headline."""
    print(f"\n-> {text}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    try:
        sys.exit(main())
    except FerruleError as error:
        sys.exit(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
