"""Reads a Dockerfile as Docker's reference describes it: text goes in, instructions and words come out."""

import json
import re
from collections.abc import Iterator

Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """Name and the rest of each, continued lines joined, comments left out."""
    lines = (line for line in text.split("\n") if not line.lstrip().startswith("#"))
    found, whole = [], ""
    for line in lines:
        if re.search(r"\\[ \t]*$", line):
            whole += re.sub(r"\\[ \t]*$", "", line)
            continue
        whole, joined = "", whole + line
        if joined.strip():
            name, _, rest = joined.strip().partition(" ")
            found.append((name.upper(), rest.strip()))
    assert not whole
    return found


def rests(text: str, name: str) -> list[str]:
    return [rest for each, rest in instructions(text) if each == name]


def pairs(rest: str) -> dict[str, str]:
    """Of ENV and LABEL: words with `=` in them, quotes and escapes taken away."""
    found = {}
    for raw in _split(rest):
        name, equals, value = raw.partition("=")  # the first, in quotes or not
        assert equals
        found[word(name)] = word(value)
    return found


def words_of_list(rest: str) -> list[str]:
    """Of VOLUME: a JSON list, in each word of which quotes and variables are read."""
    return [word(each) for each in json.loads(rest)]


def word(raw: str) -> str:
    """What Docker makes of a word. A `$` that nothing escapes is an error: no value asks for a variable."""
    found, quote, letters = "", "", iter(raw)
    for letter in letters:
        if quote == "'":
            quote, found = ("", found) if letter == "'" else (quote, found + letter)
        elif letter == "\\":
            following = next(letters)
            found += following if not quote or following in '"$\\' else letter + following
        elif letter == quote:
            quote = ""
        elif letter in "\"'" and not quote:
            quote = letter
        else:
            assert letter != "$", raw
            found += letter
    assert not quote, raw
    return found


def _split(rest: str) -> Iterator[str]:
    """Words, still with their quotes: blanks outside of quotes part them."""
    current, quote, letters = "", "", iter(rest)
    for letter in letters:
        if letter == "\\" and quote != "'":
            current += letter + next(letters)
        elif letter.isspace() and not quote:
            if current:
                yield current
            current = ""
        else:
            if letter in "\"'" and quote in ("", letter):
                quote = "" if quote else letter
            current += letter
    if current:
        yield current
