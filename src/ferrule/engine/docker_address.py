"""Where Docker's API answers: the environment and docker's own configuration go in, an address comes out."""

import hashlib
import ipaddress
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ferrule.errors import EngineError

DEFAULT = "unix:///var/run/docker.sock"
DEFAULT_CONTEXT = "default"
CONNECT_SECONDS = 5.0
SPOKEN = "set DOCKER_HOST to unix:///PATH or tcp://127.0.0.1:PORT"


class DockerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A socket's path, or host and port on loopback; `text` is what a person knows it by."""

    text: str
    socket: Path | None = None
    url: str = "http://docker"


def find_address(env: Mapping[str, str], home: Path) -> DockerAddress:
    """As docker's own client chooses: DOCKER_HOST, DOCKER_CONTEXT, then the context that its config names."""
    if host := env.get("DOCKER_HOST"):
        return parse_address(host)
    folder = Path(env.get("DOCKER_CONFIG") or home / ".docker")
    context = env.get("DOCKER_CONTEXT") or _text(_read(folder / "config.json"), "currentContext")
    if not context or context == DEFAULT_CONTEXT:
        return parse_address(DEFAULT)
    name = hashlib.sha256(context.encode()).hexdigest()
    document = _read(folder / "contexts" / "meta" / name / "meta.json")
    for key in ("Endpoints", "docker"):
        document = document.get(key) if isinstance(document, dict) else None
    host = _text(document, "Host")
    if not host:
        raise EngineError(
            f"docker's context {context!r} is not there, or has no address",
            hint="docker context ls shows them; DOCKER_HOST goes before",
        )
    return parse_address(host)


def parse_address(text: str) -> DockerAddress:
    """`unix://PATH`, or `tcp://HOST:PORT` on this machine; `EngineError` for what is not spoken here."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise EngineError(f"docker's address {text!r} cannot be read: {error}", hint=SPOKEN) from error
    if parts.scheme == "unix" and parts.path.startswith("/"):
        return DockerAddress(text=text, socket=Path(parts.path))
    if parts.scheme in ("tcp", "http") and host and port and _is_loopback(host):
        shown = f"[{host}]" if ":" in host else host
        return DockerAddress(text=text, url=f"http://{shown}:{port}")
    raise EngineError(
        f"docker's address {text!r} is not on this machine, or is not spoken here",
        hint=SPOKEN,
    )


def knock(address: DockerAddress) -> None:
    """Raise `EngineError` for a socket that is not there, or not for us. A port is not tried."""
    if address.socket is None:
        return
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(CONNECT_SECONDS)
            client.connect(str(address.socket))
    except PermissionError as error:
        raise EngineError(
            f"docker's socket {address.text} is not for this user",
            hint="add the user to the group docker, or set DOCKER_HOST",
        ) from error
    except OSError as error:
        raise silent(address) from error


def silent(address: DockerAddress) -> EngineError:
    """Nobody answers there."""
    said = f"docker does not answer at {address.text}"
    return EngineError(said, hint="start docker, or set DOCKER_HOST")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _text(document: object, key: str) -> str:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""
