"""With TLS or without, and whose word is good: found out by asking, as far as the user leaves it open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ferrule.errors import RegistryError
from ferrule.image.store import BlobStore
from ferrule.oci.reference import parse_reference
from ferrule.registry.client import Access, Client
from ferrule.registry.pull import prefetch, resolve
from ferrule.registry.push import push
from tests.fakes.images import AMD64
from tests.fakes.registry import FakeRegistry, unread
from tests.fakes.report import Notes
from tests.parts.registry import RunningRegistry, tls_registry
from tests.registry.conftest import fake_world
from tests.registry.world import Recorder, Table, Visit, World, small_image


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[RunningRegistry]:
    """A real registry on this machine that speaks nothing but TLS."""
    with tls_registry(tmp_path / "registry", "127.0.0.1") as registry:
        yield registry


def round_trip(host: str, folder: Path, **access: Any) -> int:
    """Push and pull with ferrule's own connections; the number of layers that came back."""
    name = parse_reference(f"{host}/acme/shop")
    client = Client(access=Access(**access), credentials=Table())
    push(client, small_image(folder / "image"), name, ("latest",), Notes())
    pulled = resolve(client, name, AMD64, BlobStore(folder / "store"))
    prefetch(pulled)
    client.close()
    return len(pulled.layers)


@pytest.mark.real
def test_a_registry_here_with_tls_is_found_out(secure: RunningRegistry, tmp_path: Path) -> None:
    assert round_trip(secure.host, tmp_path, ca_file=secure.ca_file) == 2


@pytest.mark.real
def test_a_certificate_is_checked_on_this_machine_too(secure: RunningRegistry, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="a certificate that is not trusted") as caught:
        round_trip(secure.host, tmp_path)
    assert "insecure" in caught.value.hint


@pytest.mark.real
def test_an_insecure_host_may_have_any_certificate(secure: RunningRegistry, tmp_path: Path) -> None:
    assert round_trip(secure.host, tmp_path, insecure=frozenset({secure.host})) == 2


def test_an_insecure_host_may_have_no_tls(world: World, tmp_path: Path) -> None:
    visit = world.visit(insecure=frozenset({world.host}))
    visit.push(small_image(tmp_path / "image"), "acme/shop")
    assert visit.pull("acme/shop", tmp_path / "store").layers


def test_an_insecure_host_is_asked_with_tls_first(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        if request.url.scheme == "https":
            raise httpx2.ConnectError("no TLS here")
        return unread(httpx2.Response(404))

    client = Client(
        access=Access(insecure=frozenset({"r.example.com"})),
        credentials=Table(),
        transport=httpx2.MockTransport(answer),
    )
    with pytest.raises(RegistryError, match="has no image"):
        resolve(client, parse_reference("r.example.com/shop"), AMD64, BlobStore(tmp_path))
    assert asked[:2] == ["https://r.example.com/v2/", "http://r.example.com/v2/"]
    assert asked[2].startswith("http://r.example.com/v2/shop/manifests/")


def test_any_other_host_is_never_asked_without_tls(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.scheme)
        raise httpx2.ConnectError("no TLS here")

    client = Client(access=Access(), credentials=Table(), transport=httpx2.MockTransport(answer))
    with pytest.raises(RegistryError):
        resolve(client, parse_reference("r.example.com/shop"), AMD64, BlobStore(tmp_path))
    assert set(asked) == {"https"}


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_cannot_be_is_refused(fake: FakeRegistry, tmp_path: Path, port: str) -> None:
    with pytest.raises(RegistryError, match="is no address of a registry"):
        fake_world(fake).visit().pull_name(f"r.example.com:{port}/acme/shop", tmp_path / "store")


@pytest.mark.parametrize("proxy", ["::bad", "ftp://proxy.example", "socks5://proxy.example"])
def test_a_proxy_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, proxy: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    client = Client(access=Access(), credentials=Table())
    with pytest.raises(RegistryError, match="the proxy that the environment names") as caught:
        resolve(client, parse_reference("r.example.com/shop"), AMD64, BlobStore(tmp_path))
    assert "HTTPS_PROXY" in caught.value.hint


def test_the_registry_is_asked_once_how_it_speaks(fake: FakeRegistry, tmp_path: Path) -> None:
    pings: list[str] = []

    class Counting(Recorder):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/v2/":
                pings.append(str(request.url))
            return super().handle_request(request)

    transport = Counting(fake.transport())
    client = Client(access=Access(), credentials=Table(), transport=transport)
    visit = Visit(world=World(host=fake.host), client=client, transport=transport)
    visit.push(small_image(tmp_path / "image"), "acme/shop")
    visit.pull("acme/shop", tmp_path / "store")
    assert pings == [f"http://{fake.host}/v2/"]
