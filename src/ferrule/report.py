"""The one place that talks to a person: everything here goes to stderr, never to stdout."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from ferrule.text import printable

SLOW_SECONDS = 0.5


class Report(Protocol):
    """What the rest of ferrule may say while it works."""

    def say(self, line: str) -> None:
        """Say something that a person wants to know by default."""
        ...

    def detail(self, line: str) -> None:
        """Say something that only `-v` asks for."""
        ...

    def warn(self, line: str) -> None:
        """Say something that a person should act on."""
        ...

    def step(self, title: str) -> AbstractContextManager[None]:
        """Show that something is under way: a context manager around the work."""
        ...

    def raw(self, text: str) -> None:
        """Pass on text of another program as it is."""
        ...


@dataclass(kw_only=True, slots=True)
class Terminal:
    """Talks on a stream: a live line on a terminal, plain lines elsewhere."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    verbose: bool = False

    @property
    def live(self) -> bool:
        """Whether a line may be drawn and wiped again."""
        return self.stream.isatty()

    def say(self, line: str) -> None:
        """One line."""
        self._write(f"{_shown(line)}\n")

    def detail(self, line: str) -> None:
        """One line with `-v`."""
        if self.verbose:
            self._write(f"{_shown(line)}\n")

    def warn(self, line: str) -> None:
        """One line that starts with `warning:`."""
        self._write(f"{self.paint('33;1', 'warning:')} {_shown(line)}\n")

    def raw(self, text: str) -> None:
        """Text of another program, untouched."""
        self._write(text)

    def paint(self, code: str, text: str) -> str:
        """The text in an ANSI colour, on a terminal."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.live else text

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A live line while the work lasts; elsewhere a plain line, and only for slow work."""
        started = time.monotonic()
        if self.live:
            self._write(f"\r\x1b[K{self.paint('2', _shown(title) + ' …')}")
        try:
            yield
        finally:
            if self.live:
                self._write("\r\x1b[K")
        seconds = time.monotonic() - started
        if seconds > SLOW_SECONDS or self.verbose:
            self.say(f"{title} ({seconds:.1f} s)")

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            # Nobody reads us any more; the work itself goes on.
            pass


def _shown(text: str) -> str:
    """What we say has names of strangers in it; lines stay lines."""
    return "\n".join(map(printable, text.split("\n")))


class Later:
    """Keeps what is said while another program talks, and says it when told to."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._kept: list[tuple[Callable[[str], None], str]] = []

    def say(self, line: str) -> None:
        """One line."""
        self._kept.append((self._report.say, line))

    def detail(self, line: str) -> None:
        """One line with `-v`."""
        self._kept.append((self._report.detail, line))

    def warn(self, line: str) -> None:
        """One line that starts with `warning:`."""
        self._kept.append((self._report.warn, line))

    def raw(self, text: str) -> None:
        """Text of another program, untouched."""
        self._kept.append((self._report.raw, text))

    def step(self, _title: str) -> AbstractContextManager[None]:
        """Nothing is shown: the other program shows what it does."""
        return nullcontext()

    def tell(self, name: str) -> None:
        """Say all of it now; lines of ours begin with the name."""
        kept, self._kept = self._kept, []
        for how, text in kept:
            how(text if how == self._report.raw else f"{name}: {text}")
