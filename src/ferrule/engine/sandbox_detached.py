"""Programs in sandboxes that run on without us: their folders go in, what can be done with them comes out."""

import os
import select
import signal
from contextlib import suppress
from pathlib import Path

from ferrule.engine.sandbox_place import claim_place, is_held
from ferrule.engine.sandbox_record import LOG, find_guard, read_end
from ferrule.errors import EngineError

KILL_SECONDS = 30
"""What the kernel may take to end a program, and we to remove its files."""

LONGEST_LINES = 1 << 16


class SandboxDetached:
    """A program that `ferrule run --detach` started, or what it left; see `Detached`."""

    def __init__(self, place: Path) -> None:
        self.name = place.name
        self.output = str(place / LOG)
        self._place = place

    def ended(self) -> bool:
        """Whether the program is gone."""
        return not is_held(self._place)

    def last_lines(self, count: int) -> str:
        """The end of both outputs, of the last 64 KiB."""
        try:
            with (self._place / LOG).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LONGEST_LINES))
                lines = log.read().splitlines(keepends=True)
        except FileNotFoundError:
            return ""
        return b"".join(lines[-count:]).decode(errors="replace")

    def stop(self, seconds: int) -> int | None:
        """See `Detached.stop`."""
        guard = find_guard(str(self._place))
        if guard is not None:
            try:
                self._end(guard, seconds)
            finally:
                os.close(guard)
        place = claim_place(self._place)
        if place is None:
            raise EngineError(
                f"{self.name} is held by a process that is not to be seen from here",
                hint="it is only starting, or runs in another container",
            )
        code = read_end(str(self._place))
        place.remove()
        return code

    def _end(self, guard: int, seconds: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(guard, signal.SIGTERM)
            if not _is_gone(guard, seconds):
                signal.pidfd_send_signal(guard, signal.SIGHUP)
        if not _is_gone(guard, KILL_SECONDS):
            raise EngineError(f"{self.name} does not end", hint="look at its processes: ps -ef --forest")


def _is_gone(process: int, seconds: int) -> bool:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
