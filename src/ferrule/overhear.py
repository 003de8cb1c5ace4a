"""What a program says on its stderr: it goes on to the person as it comes, and its end is kept."""

import os
import selectors
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO

MOST_KEPT = 1 << 20
"""Bytes. cargo says why it failed at the end, below all that a build script wrote."""

CHUNK = 1 << 16
SOON_SECONDS = 0.05
STDERR = 2


class Overheard:
    """A program's stderr: `theirs` is the end that the program gets, `kept` what it has said.

    Where ours is a terminal the program gets one too, or it would show no progress and no colours.
    """

    def __init__(self) -> None:
        ours, theirs = _both_ends()
        self._ours: IO[bytes] = open(ours, "rb", buffering=0)  # noqa: PTH123, SIM115 - no path; `close` is below
        self.theirs: IO[bytes] = open(theirs, "wb", buffering=0)  # noqa: PTH123, SIM115
        self.kept = b""

    def close(self) -> None:
        """Listen no more."""
        self._ours.close()
        self.theirs.close()

    def beside(self, stdout: IO[bytes], ended: Callable[[], bool]) -> Iterator[bytes]:
        """The lines of stdout as they come; all is passed on when the last is taken.

        What was said before a line is passed on before it: cargo wipes its progress, then writes a message.
        """
        waiting = b""
        with selectors.DefaultSelector() as both:
            both.register(self._ours, selectors.EVENT_READ)
            both.register(stdout, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in both.select()]
                if self._ours in ready:
                    if not self._pass_on():
                        both.unregister(self._ours)
                    continue
                data = os.read(stdout.fileno(), CHUNK)
                *lines, waiting = (waiting + data).split(b"\n")
                yield from (line + b"\n" for line in lines)
                if not data:
                    break
        if waiting:
            yield waiting
        self._pass_on_until(ended)

    def _pass_on_until(self, ended: Callable[[], bool]) -> None:
        """No end of file is waited for: a process that the program left behind may hold it open for ever."""
        over = False
        with selectors.DefaultSelector() as selector:
            selector.register(self._ours, selectors.EVENT_READ)
            while not over:
                over = ended()
                while selector.select(0 if over else SOON_SECONDS):
                    if not self._pass_on():
                        return

    def _pass_on(self) -> bool:
        """Pass on what is there; whether more may come."""
        try:
            data = os.read(self._ours.fileno(), CHUNK)
        except OSError:
            # So Linux says that nobody holds the other end of a terminal any more.
            return False
        self.kept = (self.kept + data)[-MOST_KEPT:]
        if os.isatty(self._ours.fileno()):
            _copy_size(self._ours.fileno())
        with suppress(OSError):  # nobody reads us any more; the program goes on
            left = data
            while left:
                left = left[os.write(STDERR, left) :]
        return bool(data)


def _both_ends() -> tuple[int, int]:
    if os.isatty(STDERR):
        with suppress(OSError):  # none is left, or /dev/pts is not mounted
            return _terminal()
    return os.pipe()


def _terminal() -> tuple[int, int]:
    import tty

    ours, theirs = os.openpty()
    # The person's own terminal makes of line ends what it wants to.
    tty.setraw(theirs)
    _copy_size(ours)
    return ours, theirs


def _copy_size(terminal: int) -> None:
    import termios

    with suppress(termios.error):
        termios.tcsetwinsize(terminal, termios.tcgetwinsize(STDERR))
