"""Rust source as tokens: enough to find calls, attributes and struct fields, and never one in a comment."""

import re
from collections.abc import Iterator
from typing import NamedTuple

TOKEN = re.compile(
    r"""
      (?P<comment> //[^\n]* | /\*)
    | (?P<raw> (?:b|c)?r(?P<hashes>\#*)" )
    | (?P<string> (?:b|c)?"(?:[^"\\]|\\.)*" )
    | (?P<char> b?'(?:[^'\\\n]|\\(?:[^u]|u\{[0-9A-Fa-f_]*\}))[0-9A-Fa-f]?' )
    | (?P<lifetime> '[A-Za-z_]\w* )
    | (?P<number> [0-9](?:[\w]|\.(?=[0-9]))* )
    | (?P<word> (?:r\#)?[^\W\d]\w* )
    | (?P<mark> :: | -> | => | [^\s\w] )
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f_]{1,8})\}|(\n\s*)|(.))", re.DOTALL)
SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class Token(NamedTuple):
    """`kind` is word, string, number or mark; the text of a string is its value. `line` counts from 1."""

    kind: str
    text: str
    line: int


def tokens_of(source: str) -> tuple[Token, ...]:
    """All tokens but comments, characters and lifetimes. What is no Rust gives some tokens, and no error."""
    return tuple(_tokens(source))


def closing(tokens: tuple[Token, ...], start: int) -> int:
    """The index of the bracket that closes the one at `start`, or the number of tokens if none does."""
    depth = 0
    for index in range(start, len(tokens)):
        kind, text, _ = tokens[index]
        if kind == "mark":
            depth += (text in "([{") - (text in ")]}")
            if depth == 0:
                return index
    return len(tokens)


def _tokens(source: str) -> Iterator[Token]:
    place, line = 0, 1
    while match := TOKEN.search(source, place):
        line += source.count("\n", place, match.start())
        kind, end = str(match.lastgroup), match.end()
        if kind == "comment" and match[0] == "/*":
            end = _end_of_comment(source, end)
        if match["raw"] is not None:
            close = source.find('"' + match["hashes"], end)
            close = len(source) if close < 0 else close
            yield Token("string", source[end:close], line)
            end = close + 1 + len(match["hashes"])
        elif kind == "string":
            yield Token("string", _value(match[0][match[0].index('"') + 1 : -1]), line)
        elif kind in ("word", "number", "mark"):
            yield Token(kind, match[0].removeprefix("r#"), line)
        line += source.count("\n", match.start(), end)
        place = end


def _end_of_comment(source: str, place: int) -> int:
    """Block comments of Rust have block comments in them."""
    depth = 1
    for mark in re.finditer(r"/\*|\*/", source[place:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return place + mark.end()
    return len(source)


def _value(text: str) -> str:
    return ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    if number:
        code = int(number.replace("_", "") or "0", 16)
        return chr(code) if code < 0x110000 else ""
    return "" if match[3] else SIMPLE.get(match[4], match[4])
