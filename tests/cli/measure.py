"""One command line in a process of its own: what it says, how long it takes, and its peak of memory."""

import json
import os
import signal
import subprocess  # noqa: TID251 - whole processes are measured
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 60
MOST_SECONDS, MOST_BYTES = 10, 256 << 20
LONGEST = 1500
START = """
import json, os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
taken = usage.ru_utime + usage.ru_stime
with open(sys.argv[1], "w") as stream:
    json.dump([os.waitstatus_to_exitcode(status), taken, usage.ru_maxrss], stream)
"""
"""A process begins with the peak of the one that forked it: a small one has to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A process that has ended; `seconds` of the processor, as others may keep it busy, `peak` in bytes."""

    code: int
    out: str
    err: str
    seconds: float
    peak: int


def ferrule_measured(*arguments: str | Path, place: Path, env: Mapping[str, str] | None = None) -> Measured:
    """Run ferrule in the folder."""
    return measured(sys.executable, "-m", "ferrule", *arguments, place=place, env=env)


def measured(*argv: str | Path, place: Path, env: Mapping[str, str] | None = None) -> Measured:
    """Run a program in the folder, with notes of the measurement beside it; what hangs is ended."""
    note = place.with_name(f"{place.name}.measured")
    starter = subprocess.Popen(
        (sys.executable, "-I", "-S", "-c", START, str(note), *map(str, argv)),
        cwd=place,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = starter.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(starter.pid, signal.SIGKILL)
        raise
    code, seconds, kilobytes = json.loads(note.read_text())
    return Measured(code=code, out=out, err=err, seconds=seconds, peak=kilobytes << 10)


def refused(place: Path, codes: tuple[int, ...], says: str, *arguments: str) -> None:
    """Run a command line that must fail: a line and a hint, soon, in little memory, and nothing is left."""
    beside = place.parent
    folders = {"FERRULE_CACHE_DIR": str(beside / "cache"), "TMPDIR": str(beside / "temporary")}
    before = sorted(place.rglob("*"))

    done = ferrule_measured(*arguments, place=place, env={**folders, "PATH": "/usr/bin:/bin"})

    error, hint = done.err.splitlines()
    assert error.startswith("error: ")
    assert says in error
    assert hint.startswith("hint: ")
    assert len(done.err) < LONGEST
    assert f"{error}{hint}".isprintable()
    assert done.code in codes
    assert done.out == ""
    assert sorted(place.rglob("*")) == before
    assert list((beside / "temporary").iterdir()) == []
    assert [path for path in (beside / "cache").rglob("*") if ".part-" in path.name] == []
    assert done.seconds <= MOST_SECONDS
    assert done.peak <= MOST_BYTES
