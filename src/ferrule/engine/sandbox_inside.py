"""A program in a sandbox, seen from beside it: its `SandboxSpec` goes in, what can be asked comes out."""

import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ferrule.engine.execution import GRACE_SECONDS, LONGEST_OUTPUT
from ferrule.engine.inside import EXECUTION_FAILED, Executed
from ferrule.engine.processes import is_first
from ferrule.engine.sandbox_record import CODES, OUT_OF_MEMORY, OUTPUT, ROOT, read_program, write_errand
from ferrule.engine.sandbox_spec import SandboxSpec
from ferrule.process import Attached

LOOK_SECONDS = 0.05
"""How often somebody who waits for a command looks whether the program runs still."""

Seen = dict[str, tuple[int, int]]
"""Path → what changes when the file does."""


class SandboxInside(msgspec.Struct, frozen=True, kw_only=True):
    """See `Inside`. `before` is the root as it was unpacked, where somebody wants to know what changes."""

    spec: SandboxSpec
    guard: Attached
    before: Seen | None = None

    def process(self) -> int | None:
        """The program's number on this machine."""
        process = read_program(self.spec.place)
        return process if process is not None and is_first(process) else None

    def execute(self, argv: tuple[str, ...], seconds: float) -> Executed:
        """Have the guard run the command beside the program; see `sandbox_errand`."""
        if self.process() is None:
            return Executed(code=EXECUTION_FAILED, output="the program does not run")
        place = Path(self.spec.place)
        write_errand(self.spec.place, argv)
        codes = os.open(place / CODES, os.O_RDWR)  # with a writer of its own, it never ends
        try:
            self.guard.signal(signal.SIGUSR1)
            code = self._code(codes, seconds)
            if code is None:
                self.guard.signal(signal.SIGUSR2)
                self._code(codes, GRACE_SECONDS)
        finally:
            os.close(codes)
        with (place / OUTPUT).open("rb") as output:
            said = output.read(LONGEST_OUTPUT).decode(errors="replace")
        return Executed(code=code, output=said)

    def _code(self, codes: int, seconds: float) -> int | None:
        """The exit code that comes within so many seconds. It never comes when the program ends before."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ended = self.guard.ended()
            if select.select((codes,), (), (), 0 if ended else min(left, LOOK_SECONDS))[0]:
                return int(os.read(codes, 16))
            if ended:
                return EXECUTION_FAILED
        return None

    def written(self) -> tuple[str, ...]:
        """What is different from the root as it was unpacked; folders only where nothing in them is."""
        if self.before is None:
            return ()
        after = look_at(Path(self.spec.place))
        changed = {path for path in self.before.keys() | after if self.before.get(path) != after.get(path)}
        places = [target for _, target, _ in self.spec.mounts]
        return leaves({path for path in changed if not any(_is_below(path, place) for place in places)})

    def out_of_memory(self) -> bool:
        """Whether the guard ended it for that."""
        return (Path(self.spec.place) / OUT_OF_MEMORY).exists()


def look_at(place: Path) -> Seen:
    """The root in the folder of a sandbox, without following links."""
    root = place / ROOT
    return {f"/{path.relative_to(root)}": _seen(path) for path in _walk(root)}


def leaves(paths: set[str]) -> tuple[str, ...]:
    """Sorted, without the folders of others among them: those change with what is in them."""
    return tuple(sorted(path for path in paths if not any(other.startswith(f"{path}/") for other in paths)))


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _walk(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        yield from (Path(folder, name) for name in (*names, *files))


def _seen(path: Path) -> tuple[int, int]:
    try:
        found = path.lstat()
    except OSError:
        return 0, 0  # it has just gone
    return found.st_mtime_ns, found.st_size
