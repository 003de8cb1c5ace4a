"""What a source says of the ports that a program listens on, and of the paths that it answers."""

import re
from collections.abc import Iterator

import msgspec

from ferrule.cargo.rust_items import Tokens, arguments, follows
from ferrule.cargo.variables import Read, Source

ADDRESS = re.compile(r"(?P<host>\d+\.\d+\.\d+\.\d+|localhost|\[[0-9a-fA-F:]*\]):(?P<port>[0-9]{1,5})")
HOST = re.compile(r"\d+\.\d+\.\d+\.\d+|localhost|::1?")
NAMED = {"UNSPECIFIED": "0.0.0.0", "LOCALHOST": "127.0.0.1"}  # noqa: S104 - nobody binds to it here
"""Constants of `Ipv4Addr` and `Ipv6Addr`."""
SERVED_BY_OTHERS = frozenset((1025, 3306, 4222, 4317, 4318, 5432, 5672, 6379, 9092, 9200, 11211, 27017))
"""Of a database, a queue, a collector: with this machine's address, what a program asks and does not open."""
OF_OTHERS = re.compile(
    r"(?:^|_)(?:DB|DATABASE|POSTGRES|POSTGRESQL|PG|MYSQL|MARIADB|REDIS|VALKEY|MONGO|MONGODB|KAFKA|AMQP|RABBITMQ"
    r"|NATS|MQTT|MEMCACHED|ELASTIC|ELASTICSEARCH|SMTP|IMAP|MAIL|EMAIL|PROXY|LDAP|STATSD|OTEL|OTLP|JAEGER"
    r"|VAULT|CONSUL|ETCD|S3|MINIO|UPSTREAM|REMOTE|BACKEND|CLIENT)_"
)
"""Names of variables that say where something else is."""
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


def addresses(sources: tuple[Source, ...], reads: tuple[Read, ...] = ()) -> Iterator[Listens]:
    """Literals such as `"0.0.0.0:3000"`, `("127.0.0.1", 8080)` and `([0, 0, 0, 0], 3000)`, in their order.

    Without what can only be another's: the default of a variable such as REDIS_ADDR, or this machine's port
    of a database.
    """
    others = {(each.path, each.default) for each in reads if OF_OTHERS.search(each.name)}
    for source in sources:
        for index, token in enumerate(source.tokens):
            found = _text(source.tokens, index) or _tuple(source.tokens, index)
            if found is not None and 0 < found[1] < 65536:
                host, port = found
                is_loopback = host.startswith(LOOPBACK)
                is_other = (source.path, token.text) in others
                if not is_other and not (is_loopback and port in SERVED_BY_OTHERS):
                    yield Listens(port=port, is_loopback=is_loopback, path=source.path, line=token.line)


def health_route(sources: tuple[Source, ...], paths: tuple[str, ...] = HEALTH_PATHS) -> Route | None:
    """The likeliest of the usual paths that stands in the source as it is."""
    found: dict[str, Route] = {}
    for source in sources:
        for index, token in enumerate(source.tokens):
            text = f"/{token.text}" if _is_segment(source.tokens, index) else token.text
            if token.kind == "string" and text in paths:
                found.setdefault(text, Route(route=text, path=source.path, line=token.line))
    return next((found[path] for path in paths if path in found), None)


def _text(tokens: Tokens, index: int) -> tuple[str, int] | None:
    token = tokens[index]
    match = ADDRESS.fullmatch(token.text) if token.kind == "string" else None
    return (match["host"], int(match["port"])) if match else None


def _tuple(tokens: Tokens, index: int) -> tuple[str, int] | None:
    """`("host", port)`, `([a, b, c, d], port)`, and the types of `std::net` in place of the host."""
    if not follows(tokens, index, "("):
        return None
    parts = arguments(tokens, index)
    if len(parts) != 2 or parts[1][1] - parts[1][0] != 1:
        return None
    host, port = tokens[slice(*parts[0])], tokens[parts[1][0]]
    numbers = [token.text for token in host if token.kind == "number"]
    words = [NAMED[token.text] for token in host if token.kind == "word" and token.text in NAMED]
    text = ".".join(numbers) if len(numbers) == 4 else "".join(words)
    if len(host) == 1:
        text = host[0].text if host[0].kind == "string" else ""
    is_port = port.kind == "number" and port.text.isdecimal()
    return (text, int(port.text)) if is_port and HOST.fullmatch(text) else None


def _is_segment(tokens: Tokens, index: int) -> bool:
    """Whether it is all of a path of warp: `path!("health")`, `path("health")`."""
    before = index - 2 if not follows(tokens, index - 2, "!") else index - 3
    return (
        follows(tokens, before, "path")
        and follows(tokens, index - 1, "(")
        and follows(tokens, index + 1, ")")
    )
