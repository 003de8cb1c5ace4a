"""Where a program says that it is well: an image's labels and its ports go in, an address comes out."""

from collections.abc import Mapping

import msgspec

from ferrule.errors import UsageError
from ferrule.values import PublishedPort
from ferrule.verbs.run_config import HEALTH_PATH, HEALTH_PORT


class HealthUrl(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. `published` is the port that has to be open here for it."""

    path: str
    published: PublishedPort

    @property
    def port(self) -> int:
        """The port of this machine."""
        return self.published.host

    def __str__(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"


def health_of(labels: Mapping[str, str], ports: tuple[PublishedPort, ...]) -> HealthUrl:
    """The path and port from the labels that ferrule writes. Raises `UsageError` when there are none."""
    path, port = labels.get(HEALTH_PATH), labels.get(HEALTH_PORT, "")
    if not path or not (port.isascii() and port.isdigit()):
        raise UsageError("--wait needs a health path", hint='set health = { path = "/health" } and a port')
    inside = (int(port), "tcp")
    published = next((each for each in ports if (each.container, each.protocol) == inside), None)
    return HealthUrl(path=path, published=published or PublishedPort(host=int(port), container=int(port)))
