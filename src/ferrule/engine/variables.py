"""The variables of a program: what flags and files say goes in, names with values come out.

Flags and files are read as Docker reads them. No error shows a value, or a line of a file: they hold secrets.
"""

import os
import re
from pathlib import Path

from ferrule.errors import InvalidValueError

Variable = tuple[str, str | None]
"""A name and its value; None takes the variable of the image away."""

MAX_FILE = 1 << 20
FLAG_HINT = "write NAME=VALUE, or NAME alone to hand on your own"
BOM = b"\xef\xbb\xbf"


def parse_variable(text: str) -> Variable:
    """`NAME=VALUE`, or `NAME` for the value that it has here; where it has none, the program has none."""
    name, equals, value = text.partition("=")
    if not _is_name(name):
        raise InvalidValueError(f"{name!r} is not the name of a variable", hint=FLAG_HINT)
    if "\0" in value:
        raise InvalidValueError(f"the value of {name} has a NUL character", hint=FLAG_HINT)
    return (name, value) if equals else (name, os.environ.get(name))


def read_env_file(file: str) -> tuple[Variable, ...]:
    """A line each: `NAME=VALUE`, or `NAME` for the value it has here, and nothing where it has none.

    Blank lines and those that begin with # are passed over. Quotes, and blanks behind, are part of the value.
    """
    lines = _read(file).removeprefix(BOM).split(b"\n")
    found = (_variable(line, f"{file}:{number}") for number, line in enumerate(lines, 1))
    return tuple(variable for variable in found if variable is not None)


def _read(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidValueError(
            f"{file} cannot be read: {reason}", hint="give a file of lines NAME=VALUE"
        ) from error
    if len(data) > MAX_FILE:
        raise InvalidValueError(f"{file} is longer than 1 MiB", hint="give a file of lines NAME=VALUE")
    return data


def _variable(line: bytes, place: str) -> Variable | None:
    try:
        text = line.removesuffix(b"\r").decode().lstrip()
    except UnicodeDecodeError as error:
        raise _wrong(place, "the line is not UTF-8") from error
    if not text or text.startswith("#"):
        return None
    name, equals, value = text.partition("=")
    if not name:
        raise _wrong(place, "there is no name before the =")
    if not _is_name(name):
        raise _wrong(place, _name_fault(name, has_value=bool(equals)))
    if "\0" in value:
        raise _wrong(place, "the value has a NUL character")
    if not equals:
        return (name, os.environ[name]) if name in os.environ else None
    return name, value


def _name_fault(name: str, *, has_value: bool) -> str:
    """Of one that `_is_name` refuses. The line may be the rest of a secret, so nothing of it is shown."""
    if re.match(r"export\s", name):
        return "`export` is for a shell: Docker and podman read NAME=VALUE alone"
    if not has_value:
        return "the line is no NAME=VALUE, and a value ends with its line"
    if _is_name(name.rstrip()):
        return "there is a blank before the ="
    return "the name of the variable has a blank or a NUL in it"


def _is_name(text: str) -> bool:
    return bool(text) and not re.search(r"[\s\0]", text)


def _wrong(place: str, reason: str) -> InvalidValueError:
    return InvalidValueError(f"{place}: {reason}", hint="write NAME=VALUE, NAME alone, or # and a comment")
