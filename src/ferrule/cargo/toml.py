"""TOML as cargo reads it: a file goes in, a table comes out.

Since 1.94 cargo takes TOML 1.1, which Python's reader of 1.0 refuses: lines and a last comma in the braces of
a table, and two more escapes. A text is rewritten for it where it needs to be. Times without seconds, the
last of what is new, are not read.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from ferrule.errors import ProjectError

TOKEN = re.compile(
    r"""
      (?P<string> \"{3}(?:\\.|[^\\])*?\"{3,5} | "(?:\\.|[^"\\\n])*" )
    | '{3}.*?'{3,5} | '[^'\n]*'
    | (?P<gap> \#[^\n]* | \r?\n )
    | (?P<comma> ,(?=(?:\s|\#[^\n]*\n)*\}) )
    | [\[\]{}]
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(?:(e)|x([0-9A-Fa-f]{2})|.)", re.DOTALL)


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a file. Raises `ProjectError` where it cannot be read."""
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ProjectError(f"cannot read {path}: {reason}", hint="mend the file and try again") from error


def parse_toml(text: str) -> dict[str, Any]:
    """The table in a text. Raises `ValueError`, as Python's own reader has it."""
    text = text.removeprefix("\ufeff")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        older = _older(text)
        if older == text:
            raise
    return tomllib.loads(older)


def _older(text: str) -> str:
    """The same in TOML 1.0."""
    brackets: list[str] = []

    def rewrite(match: re.Match[str]) -> str:
        word = match[0]
        if word in ("[", "{"):
            brackets.append(word)
        elif word in ("]", "}"):
            del brackets[-1:]
        elif match["string"]:
            return ESCAPE.sub(_escape, word)
        elif brackets[-1:] == ["{"] and (match["gap"] or match["comma"]):
            return " "
        return word

    return TOKEN.sub(rewrite, text)


def _escape(match: re.Match[str]) -> str:
    code = "1B" if match[1] else match[2]
    return f"\\u00{code}" if code else match[0]
