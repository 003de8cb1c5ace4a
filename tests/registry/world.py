"""A registry as the tests see it, in memory or real: its host, what was sent to it, and clients for it."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from ferrule.image.image import Image
from ferrule.image.store import BlobStore
from ferrule.oci.platform import Platform
from ferrule.oci.reference import Reference, parse_reference
from ferrule.registry.auth import Logins
from ferrule.registry.client import Access, Client
from ferrule.registry.login import Login
from ferrule.registry.pull import resolve
from ferrule.registry.push import Published, push
from ferrule.report import Terminal
from tests.fakes.images import AMD64, entry, image_of, tar_of
from tests.fakes.registry import PASSWORD, USER

KEEPER = Login(user=USER, password=PASSWORD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The same login for every registry, and the registries that asked for it."""

    login: Login | None = None
    asked: list[str] = field(default_factory=list)

    def find(self, registry: str, repository: str) -> Login | None:
        self.asked.append(registry)
        return self.login


class Recorder(httpx2.BaseTransport):
    """Passes requests on and keeps them. `addresses` brings a host elsewhere, as a resolver does."""

    def __init__(self, inner: httpx2.BaseTransport, addresses: dict[str, str] | None = None) -> None:
        self._inner = inner
        self._addresses = addresses or {}
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path != "/v2/":  # which only asks whether the host has TLS
            self.requests.append(request)
        name = request.url.host
        if name in self._addresses:
            moved = request.url.copy_with(host=self._addresses[name])
            request = httpx2.Request(
                request.method,
                moved,
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": name},
            )
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A registry. `fresh` makes a transport to it.

    `expire` makes every token worthless; a real registry's tokens end by the clock, after `shorten`.
    """

    host: str
    fresh: Callable[[], httpx2.BaseTransport] = httpx2.HTTPTransport
    expire: Callable[[], None] = lambda: None
    shorten: Callable[[], None] = lambda: None
    identity_token: str = ""

    def visit(self, logins: Logins | None = None, **access: Any) -> "Visit":
        """A client of its own, as each run of ferrule has one."""
        transport = Recorder(self.fresh())
        client = Client(
            access=Access(**access), credentials=logins or Table(login=KEEPER), transport=transport
        )
        return Visit(world=self, client=client, transport=transport)

    def name(self, text: str) -> Reference:
        return parse_reference(f"{self.host}/{text}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One run of ferrule against a registry."""

    world: World
    client: Client
    transport: Recorder

    def push(self, image: Image, name: str, *tags: str) -> Published:
        reference = self.world.name(name)
        return push(self.client, image, reference, tags or ("latest",), Terminal(stream=io.StringIO()))

    def pull(self, name: str, folder: Path, platform: Platform = AMD64) -> Image:
        return self.pull_name(f"{self.world.host}/{name}", folder, platform)

    def pull_name(self, name: str, folder: Path, platform: Platform = AMD64) -> Image:
        return resolve(self.client, parse_reference(name), platform, BlobStore(folder))

    def methods(self) -> list[str]:
        """The methods of all requests to blobs and manifests, in order."""
        return [request.method for request in self.transport.requests if "/v2/" in request.url.path]

    def paths(self, method: str) -> list[str]:
        return [
            request.url.raw_path.decode() for request in self.transport.requests if request.method == method
        ]


def small_image(folder: Path, *contents: bytes) -> Image:
    """An image of one layer per content."""
    return image_of(folder, [tar_of([entry("file", content)]) for content in contents or (b"one", b"two")])
