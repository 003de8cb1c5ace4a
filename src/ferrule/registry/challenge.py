"""Challenges: values of WWW-Authenticate go in, schemes with parameters come out. RFC 9110 section 11.6.1."""

import re
from collections.abc import Iterable, Mapping

import msgspec

MAX_HEADER = 8 << 10

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# A bare value may hold more than RFC 9110 allows: some servers leave the quotes of a URL away.
_PARAMETER = re.compile(rf'({_NAME})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=][^\s,"]*))[ \t]*(?=,|$)')
_SCHEME = re.compile(rf"({_NAME})(?:[ \t]+|(?=,|$))")
_OPAQUE = re.compile(r"[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)")
_SEPARATOR = re.compile(r"[ \t,]*")


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One way in that a server offers. The scheme and the parameters' names are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = msgspec.field(default_factory=dict)


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """All challenges of all headers, in order. What cannot be read ends its header: never an exception."""
    return tuple(challenge for value in values for challenge in _parse(value[:MAX_HEADER]))


def _parse(text: str) -> list[Challenge]:
    found: list[Challenge] = []
    parameters: dict[str, str] = {}
    at = _skip(text, 0)
    while at < len(text):
        if found and (match := _PARAMETER.match(text, at)):
            quoted, bare = match[2], match[3]
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
            parameters.setdefault(match[1].lower(), value)
        elif match := _SCHEME.match(text, at):
            parameters = {}
            found.append(Challenge(scheme=match[1].lower(), parameters=parameters))
            # A scheme may carry one opaque word instead of parameters (Negotiate does).
            if not _PARAMETER.match(text, match.end()) and (word := _OPAQUE.match(text, match.end())):
                match = word
        else:
            break
        at = _skip(text, match.end())
    return found


def _skip(text: str, at: int) -> int:
    match = _SEPARATOR.match(text, at)
    return match.end() if match else at
