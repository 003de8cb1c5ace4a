"""What a program that is tried out says: a file for it, its last lines, and those without its secrets."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ferrule.contract import Variable as Declared
from ferrule.contract import what_credential
from ferrule.engine.variables import Variable

SHOWN_LINES = 20
MAX_OUTPUT = 1 << 16
SHORTEST_SECRET = 4


@contextmanager
def output_file() -> Iterator[BinaryIO]:
    """A file without a name, so that no kill leaves what a program has said."""
    with tempfile.TemporaryFile("a+b", prefix="ferrule-") as file:
        yield file


def said_last(output: BinaryIO) -> str:
    """The end of what it said, at most `MAX_OUTPUT` bytes."""
    place = max(0, os.fstat(output.fileno()).st_size - MAX_OUTPUT)
    return os.pread(output.fileno(), MAX_OUTPUT, place).decode(errors="replace")


def last_lines(said: str) -> str:
    """What is shown of it. Secrets are hidden before: half of one is not found any more."""
    return "".join(said.splitlines(keepends=True)[-SHOWN_LINES:])


def hiding(contract: tuple[Declared, ...], env: tuple[Variable, ...]) -> Callable[[str], str]:
    """A program may show what it was given: this takes the values of secrets out of its words."""
    names = {each.name for each in contract if each.secret}
    values = [
        value
        for name, value in env
        if value and len(value) >= SHORTEST_SECRET and (name in names or what_credential(name, value))
    ]

    def hide(text: str) -> str:
        for value in sorted(values, key=len, reverse=True):
            text = text.replace(value, "***")
        return text

    return hide
