"""The environment contract: what a variable of the program is for, and whether a value is one for it."""

import difflib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ferrule.errors import InvalidValueError

KEYS = ("required", "secret", "default", "type", "pattern", "example", "doc")
TYPES = ("url", "port", "bool", "int", "duration")
BOOLS = frozenset(("true", "false", "1", "0", "yes", "no", "on", "off"))
DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)? ?(?:ns|us|ms|s|sec|m|min|h|hr|d|days?) ?)+")
HINT = 'write NAME = "value" or NAME = { required = true, secret = true, type = "url" }'


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """What the program reads from its environment under one name.

    `default` goes into the image; a required one has none, and a secret one is never in an image.
    """

    name: str
    required: bool = False
    secret: bool = False
    default: str | None = None
    type: str | None = None
    pattern: str | None = None
    example: str | None = None
    doc: str | None = None

    def fault(self, value: str) -> str | None:
        """What is wrong with a value, without showing it; None for a good one."""
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return f"does not match {self.pattern}"
        return None if self.type is None or _is(self.type, value) else f"is not {_a(self.type)}"


def parse_variable(name: str, raw: str | Mapping[str, Any]) -> Variable:
    """`"info"`, which is a default, or a table with some of `KEYS`. Raises `InvalidValueError`."""
    if not name or re.search(r"[\s\0=]", name):
        raise InvalidValueError(f"{name!r} is not the name of a variable", hint=HINT)
    table = {"default": raw} if isinstance(raw, str) else raw
    for key in table:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            raise InvalidValueError(
                f"{key!r} says nothing about a variable",
                hint=f"did you mean {near[0]}?" if near else f"it takes {', '.join(KEYS)}",
            )
    try:
        variable = msgspec.convert({"name": name, **table}, Variable)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise InvalidValueError(f"{where.rstrip('`')}: {what[:1].lower()}{what[1:]}", hint=HINT) from error
    _check(variable)
    return variable


def _check(variable: Variable) -> None:
    if variable.type is not None and variable.type not in TYPES:
        raise InvalidValueError(f"{variable.type!r} is not a type", hint=f"it is one of {', '.join(TYPES)}")
    if variable.default is not None and variable.required:
        raise InvalidValueError("what has a default is not required", hint="leave one of the two out")
    if variable.default is not None and variable.secret:
        raise InvalidValueError(
            "a secret has no default: that would be in the image",
            hint="give the value where the image runs, and an `example` for people",
        )
    if variable.pattern is not None:
        try:
            re.compile(variable.pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise InvalidValueError(f"the pattern is wrong: {error}", hint="it is one of Python's") from error
    if "\0" in (variable.default or ""):
        raise InvalidValueError("the default has a NUL character", hint=HINT)
    for key, value in (("default", variable.default), ("example", variable.example)):
        fault = None if value is None else variable.fault(value)
        if fault:
            raise InvalidValueError(f"the {key} {fault}", hint="mend the value, or the type or pattern")


def _is(kind: str, value: str) -> bool:
    match kind:
        case "url":
            return _is_url(value)
        case "port":
            return value.isascii() and value.isdigit() and 0 < int(value[:6]) < 65536
        case "bool":
            return value.lower() in BOOLS
        case "int":
            return re.fullmatch(r"[+-]?[0-9]+", value) is not None
        case _:
            return DURATION.fullmatch(value) is not None


def _is_url(value: str) -> bool:
    """A scheme and something behind it: `https://…`, `postgres://…`, `sqlite::memory:`."""
    if not value.isprintable() or " " in value:
        return False
    try:
        found = urlsplit(value)
    except ValueError:
        return False
    return bool(found.scheme and (found.netloc or found.path))


def _a(kind: str) -> str:
    return {"url": "a URL", "int": "a whole number", "bool": "true or false"}.get(kind, f"a {kind}")


CREDENTIALS = {
    "a URL with a password": re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s@]*:[^/?#\s@]+@", re.IGNORECASE),
    "a private key": re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"),
    "a token of GitHub": re.compile(r"\b(?:gh[opusr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    "a token of GitLab": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "a key of AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a key of Stripe": re.compile(r"\b[rs]k_live_[A-Za-z0-9]{10,}"),
    "a key of Google": re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."),
    "a token of a registry": re.compile(
        r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{20,}|dckr_pat_\S{20,})"
    ),
}
"""What a value may look like → how it is told. The forms are those that their makers document."""

SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|APIKEY|(?:API|PRIVATE|ACCESS|SECRET|SIGNING)_KEY"
    r"|CREDENTIALS?)$",
    re.IGNORECASE,
)


def what_credential(name: str, value: str) -> str | None:
    """What a plain value seems to be, in a few words; None where it looks like no secret."""
    for what, form in CREDENTIALS.items():
        if form.search(value):
            return what
    is_named = SECRET_NAME.search(name) is not None
    return "a secret, by its name" if is_named and value and not value.startswith("/") else None
