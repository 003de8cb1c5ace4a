"""How a program says that it is well: a `health` table goes in, a checked `Health` comes out."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import msgspec

from ferrule.errors import InvalidValueError
from ferrule.values import Port, parse_duration, parse_port

HINT = 'write { path = "/health" }, { tcp = 5432 } or { command = ["/app/shop", "--health-check"] }'
WAYS = ("path", "tcp", "command")
OF_A_PATH = ("port", "expect", "header", "live")
OF_ALL = ("interval", "timeout", "start-period", "retries")
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ !-~]*")
SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token")
LONGEST = 24 * 60 * 60.0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """A path over HTTP, a port that takes connections, or a command inside the image; times in seconds.

    `port` is None where it is the first one that the program listens on. `expect` is a status, None for any
    from 200 to 399. `live` is a second path, which says that the program need not be started anew.
    """

    path: str | None = None
    tcp: int | None = None
    command: tuple[str, ...] = ()
    port: int | None = None
    expect: int | None = None
    header: str | None = None
    live: str | None = None
    interval: float = 30.0
    timeout: float = 5.0
    start_period: float = 10.0
    retries: int = 3

    @property
    def needs_probe(self) -> bool:
        """Whether something inside the image has to ask for it."""
        return not self.command

    def __str__(self) -> str:
        if self.tcp is not None:
            return f"a connection to port {self.tcp}"
        port = f" on port {self.port}" if self.port else ""
        status = f", status {self.expect}" if self.expect else ""
        return f"GET {self.path}{port}{status}" if self.path else " ".join(self.command)


def health_port(health: Health | None, ports: tuple[Port, ...]) -> int | None:
    """Where the health check asks: the port that it names, else the first TCP port."""
    if health is not None and (named := health.tcp or health.port):
        return named
    return next((port.number for port in ports if port.protocol == "tcp"), None)


def parse_health(value: Mapping[str, Any]) -> Health:
    """The table, with one of `path`, `tcp` and `command`. Raises `InvalidValueError`."""
    ways = [way for way in WAYS if value.get(way) is not None]
    if len(ways) != 1:
        raise InvalidValueError("a health check has one of path, tcp and command", hint=HINT)
    (way,) = ways
    known = (way, *(OF_A_PATH if way == "path" else ()), *OF_ALL)
    for key in value:
        if key not in known:
            where = "no key of a health check" if key not in OF_A_PATH else "for a path alone"
            raise InvalidValueError(f"{key!r} is {where}", hint=f"beside {way}: {', '.join(known[1:])}")

    def get(key: str, parse: Callable[[Any], Any], default: Any = None) -> Any:
        return parse(value[key]) if value.get(key) is not None else default

    return Health(
        path=get("path", _path),
        tcp=get("tcp", _port),
        command=get("command", _command, ()),
        port=get("port", _port),
        expect=get("expect", _status),
        header=get("header", _header),
        live=get("live", _path),
        interval=get("interval", _interval, Health().interval),
        timeout=get("timeout", _interval, Health().timeout),
        start_period=get("start-period", parse_duration, Health().start_period),
        retries=get("retries", _retries, Health().retries),
    )


def parse_health_path(text: str) -> str:
    """The path of a health check."""
    try:
        return str(parse_health({"path": text}).path)
    except InvalidValueError as error:
        raise InvalidValueError(error.message, hint="it begins with /, like /health") from error


def _path(value: object) -> str:
    if not (isinstance(value, str) and re.fullmatch(r"/[!-~]*", value)):
        raise InvalidValueError(f"{value!r} is not a path of a URL", hint=HINT)
    return value


def _port(value: Any) -> int:
    port = parse_port(value)
    if port.protocol != "tcp":
        raise InvalidValueError(f"{value!r} is not a port of TCP", hint="write it like 3000")
    return port.number


def _command(value: object) -> tuple[str, ...]:
    if not (isinstance(value, list | tuple) and value and all(map(_is_word, value))):
        raise InvalidValueError("the command is not a list of strings", hint=HINT)
    return tuple(value)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_word(part: object) -> bool:
    return isinstance(part, str) and "\0" not in part


def _status(value: object) -> int:
    if not _is_whole(value) or not 200 <= value < 600:
        raise InvalidValueError(f"expect = {value!r} is not a status of HTTP", hint="write it like 200")
    return value


def _header(value: object) -> str:
    if not (isinstance(value, str) and HEADER.fullmatch(value)):
        raise InvalidValueError(f"{value!r} is not a header", hint='write it like "Host: shop.example.com"')
    name = value.partition(":")[0]
    if name.lower() in SECRET_HEADERS:
        raise InvalidValueError(
            f"the header {name} would stand in the image, which everybody who pulls it can read",
            hint="let the health path answer without it",
        )
    return value


def _interval(value: object) -> float:
    seconds = parse_duration(value)
    if not 0.1 <= seconds <= LONGEST:
        raise InvalidValueError(f"{value!r} is too short or too long", hint="it is from 100ms to 24h")
    return seconds


def _retries(value: object) -> int:
    if not _is_whole(value) or not 1 <= value <= 1000:
        raise InvalidValueError(f"retries = {value!r} is not from 1 to 1000", hint="write it like 3")
    return value
