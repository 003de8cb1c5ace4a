"""What a source says of the ports that a program listens on, and of the paths that it answers."""

import re
from collections.abc import Iterator

import msgspec

from ferrule.cargo.rust_items import Tokens, at, follows
from ferrule.cargo.rust_tokens import closing
from ferrule.cargo.variables import Source

ADDRESS = re.compile(r"(?P<host>\d+\.\d+\.\d+\.\d+|localhost|\[[0-9a-fA-F:]*\]):(?P<port>[0-9]{1,5})")
HOST = re.compile(r"\d+\.\d+\.\d+\.\d+|localhost|::1?")
LOOPBACK = ("127.", "localhost", "[::1]", "::1")
HEALTH_PATHS = (
    *("/health", "/healthz", "/health_check", "/health-check", "/healthcheck", "/api/health", "/_health"),
    *("/readyz", "/ready", "/health/ready", "/status", "/ping"),
)
"""Usual paths, the likeliest first."""
LIVE_PATHS = ("/livez", "/live", "/health/live", "/healthz/live", "/alive")


class Listens(msgspec.Struct, frozen=True, kw_only=True):
    """An address in the source: a port, and whether only this machine itself could reach it."""

    port: int
    is_loopback: bool
    path: str
    line: int


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A path that the source names, and where."""

    route: str
    path: str
    line: int


def addresses(sources: tuple[Source, ...]) -> Iterator[Listens]:
    """Literals such as `"0.0.0.0:3000"`, `("127.0.0.1", 8080)` and `([0, 0, 0, 0], 3000)`, in their order."""
    for source in sources:
        for index, token in enumerate(source.tokens):
            found = _text(source.tokens, index) or _tuple(source.tokens, index)
            if found is not None and 0 < found[1] < 65536:
                host, port = found
                yield Listens(
                    port=port, is_loopback=host.startswith(LOOPBACK), path=source.path, line=token.line
                )


def health_route(sources: tuple[Source, ...], paths: tuple[str, ...] = HEALTH_PATHS) -> Route | None:
    """The likeliest of the usual paths that stands in the source as it is."""
    found: dict[str, Route] = {}
    for source in sources:
        for token in source.tokens:
            if token.kind == "string" and token.text in paths:
                route = Route(route=token.text, path=source.path, line=token.line)
                found.setdefault(token.text, route)
    return next((found[path] for path in paths if path in found), None)


def _text(tokens: Tokens, index: int) -> tuple[str, int] | None:
    token = tokens[index]
    match = ADDRESS.fullmatch(token.text) if token.kind == "string" else None
    return (match["host"], int(match["port"])) if match else None


def _tuple(tokens: Tokens, index: int) -> tuple[str, int] | None:
    """`("host", port)` and `([a, b, c, d], port)`."""
    if not follows(tokens, index, "("):
        return None
    host, comma = at(tokens, index + 1), index + 2
    if follows(tokens, index + 1, "["):
        end = closing(tokens, index + 1)
        numbers = [token.text for token in tokens[index + 2 : end] if token.kind == "number"]
        text, comma = ".".join(numbers) if len(numbers) == 4 else "", end + 1
    else:
        text = host.text if host.kind == "string" else ""
    port = at(tokens, comma + 1)
    is_port = follows(tokens, comma, ",") and port.kind == "number" and follows(tokens, comma + 2, ")")
    return (text, int(port.text)) if is_port and HOST.fullmatch(text) and port.text.isdecimal() else None
