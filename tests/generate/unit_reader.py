"""Reads units as systemd does: a text goes in, sections and words come out. systemd.syntax(7)."""

import re
from collections.abc import Iterator

BLANKS = " \t\n\r"
SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}


def read_unit(text: str) -> dict[str, list[tuple[str, str]]]:
    """Section → its keys and raw values, in order. A line that ends in a backslash goes on in the next."""
    sections: dict[str, list[tuple[str, str]]] = {}
    found: list[tuple[str, str]] = []
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in text.split("\n") if not line.startswith("#")))
    for line in joined.split("\n"):
        if re.fullmatch(r"\[.+\]", line):
            found = sections.setdefault(line[1:-1], [])
        elif line.strip():
            key, equals, value = line.partition("=")
            assert equals, line
            found.append((key, value.strip(BLANKS)))
    return sections


def words(value: str) -> tuple[str, ...]:
    """The words of a command line: quotes and escapes are undone, `%%` and `$$` are one of each."""
    return tuple(_expanded(word) for word in _split(value))


def raw(value: str) -> str:
    """A value that is one word as it stands."""
    return _expanded(value)


def _expanded(text: str) -> str:
    for sign in "%$":
        assert text.replace(sign * 2, "").count(sign) == 0, text
        text = text.replace(sign * 2, sign)
    return text


def _split(value: str) -> Iterator[str]:
    word: bytearray | None = None
    quote = ""
    rest = iter(value)
    for letter in rest:
        if letter == "\\":
            word = (word or bytearray()) + _unescaped(rest)
        elif letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote, word = letter, word or bytearray()
        elif not quote and letter in BLANKS:
            if word is not None:
                yield word.decode()
            word = None
        else:
            word = (word or bytearray()) + letter.encode()
    assert not quote, value
    if word is not None:
        yield word.decode()


def _unescaped(rest: Iterator[str]) -> bytes:
    letter = next(rest)
    if letter == "x":
        return bytes([int(next(rest) + next(rest), 16)])
    if letter in "uU":
        return chr(int("".join(next(rest) for _ in range(4 if letter == "u" else 8)), 16)).encode()
    return SHORT.get(letter, letter).encode()
