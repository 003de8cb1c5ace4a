"""What registries and networks do to us becomes one line and a hint, and leaves nothing half-done."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from ferrule.errors import RegistryError
from ferrule.registry.client import Access, Client
from ferrule.registry.trust import tls
from tests.fakes.registry import FakeRegistry, cut_after
from tests.parts.registry import RunningRegistry, tls_registry
from tests.registry.conftest import fake_world
from tests.registry.world import Recorder, Table, Visit, World, small_image

NAME = "registry.tests.example"


def test_a_port_where_nobody_listens_is_named(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(RegistryError) as caught:
            World(host=host).visit().pull("acme/shop", tmp_path / "store")
        visit = World(host=host).visit(mirrors={"gcr.io": host})
        with pytest.raises(RegistryError) as mirrored:
            visit.pull_name("gcr.io/acme/base", tmp_path / "store")
    assert caught.value.message == f"{host} refuses the connection"
    assert "running" in caught.value.hint
    assert mirrored.value.message == f"{host} (the mirror of gcr.io) refuses the connection"


def test_a_host_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"there is no host nowhere\.invalid"):
        World(host="nowhere.invalid").visit().push(small_image(tmp_path / "image"), "acme/shop")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[RunningRegistry]:
    with tls_registry(tmp_path / "registry", NAME) as registry:
        yield registry


def over_tls(registry: RunningRegistry, access: Access) -> Visit:
    transport = Recorder(httpx2.HTTPTransport(verify=tls(access)), {NAME: "127.0.0.1"})
    client = Client(access=access, credentials=Table(), transport=transport)
    return Visit(world=World(host=registry.host), client=client, transport=transport)


@pytest.mark.real
def test_a_registry_with_tls_is_trusted_through_the_users_ca_file(
    secure: RunningRegistry, tmp_path: Path
) -> None:
    visit = over_tls(secure, Access(ca_file=secure.ca_file))
    visit.push(small_image(tmp_path / "image"), "acme/shop")
    assert {request.url.scheme for request in visit.transport.requests} == {"https"}
    assert visit.pull("acme/shop", tmp_path / "store").layers


@pytest.mark.real
def test_a_certificate_that_nobody_vouches_for_is_refused(secure: RunningRegistry, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="a certificate that is not trusted") as caught:
        over_tls(secure, Access()).pull("acme/shop", tmp_path / "store")
    assert "FERRULE_CA_FILE" in caught.value.hint


@pytest.mark.real
def test_a_registry_without_tls_that_should_have_it_is_refused(tmp_path: Path, fake: FakeRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        access = Access()
        transport = Recorder(httpx2.HTTPTransport(verify=tls(access)), {NAME: "127.0.0.1"})
        client = Client(access=access, credentials=Table(), transport=_Greeting(server, transport))
        visit = Visit(
            world=World(host=f"{NAME}:{server.getsockname()[1]}"), client=client, transport=transport
        )
        with pytest.raises(RegistryError, match="does not speak TLS"):
            visit.pull("acme/shop", tmp_path / "store")


class _Greeting(httpx2.BaseTransport):
    """Answers the first words of TLS as a plain web server does."""

    def __init__(self, server: socket.socket, inner: Recorder) -> None:
        self._server = server
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        import threading

        thread = threading.Thread(target=self._greet)
        thread.start()
        try:
            return self._inner.handle_request(request)
        finally:
            thread.join()

    def _greet(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    def close(self) -> None:
        self._inner.close()


def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(RegistryError, match=f"cannot read the CA file .*{name}"):
            tls(Access(ca_file=tmp_path / name))


def test_another_layer_than_promised_is_refused_and_not_kept(fake: FakeRegistry, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", b"one")
    fake_world(fake).visit().push(image, "acme/shop")
    layer = image.layers[0]
    content = fake.blobs["acme/shop", layer.digest]
    for wrong in (content[:-1] + b"!", content[:-1], content + b"!"):
        fake.blobs["acme/shop", layer.digest] = wrong
        pulled = fake_world(fake).visit().pull("acme/shop", tmp_path / "store")
        with pytest.raises(RegistryError, match="sends something else than sha256:"):
            pulled.blobs.path(layer)
        kept = {path.name for path in (tmp_path / "store" / "sha256").iterdir()}
        assert layer.digest.removeprefix("sha256:") not in kept
        assert not any(name.startswith(".part") for name in kept)


def test_another_configuration_than_promised_is_refused(fake: FakeRegistry, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    fake_world(fake).visit().push(image, "acme/shop")
    fake.blobs["acme/shop", image.manifest.config.digest] = image.config_bytes.replace(b"linux", b"linus")
    with pytest.raises(RegistryError, match="sends something else than sha256:"):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store")


def test_another_manifest_than_asked_for_is_refused(fake: FakeRegistry, tmp_path: Path) -> None:
    published = fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    media_type, content = fake.manifests["acme/shop", published.digest]
    fake.manifests["acme/shop", published.digest] = (media_type, content + b" ")
    with pytest.raises(RegistryError, match="sends something else than sha256:"):
        fake_world(fake).visit().pull(f"acme/shop@{published.digest}", tmp_path / "store")


def test_a_download_that_is_cut_is_tried_again(fake: FakeRegistry, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", b"one")
    fake_world(fake).visit().push(image, "acme/shop")
    fake.answers.append((f"GET .*{image.layers[0].digest}", cut_after(b"half")))
    pulled = fake_world(fake).visit().pull("acme/shop", tmp_path / "store")
    assert pulled.blobs.path(pulled.layers[0]).stat().st_size == image.layers[0].size


def test_a_connection_that_is_always_cut_is_one_line(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.answers += [("GET", httpx2.RemoteProtocolError("gone")) for _ in range(9)]
    with pytest.raises(RegistryError, match=r"the connection to 127\.0\.0\.1:5000 was cut"):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store")
    assert len(fake.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_registry_with_a_weak_moment_is_asked_again(
    fake: FakeRegistry, tmp_path: Path, status: int
) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    fake.answers.append(("GET .*/manifests/", httpx2.Response(status, headers={"retry-after": "1"})))
    assert fake_world(fake).visit().pull("acme/shop", tmp_path / "store").layers


def test_a_registry_that_asks_for_a_long_wait_is_not_asked_again(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.answers += [("GET", httpx2.Response(429, headers={"retry-after": "3600"})) for _ in range(2)]
    with pytest.raises(RegistryError, match="too many requests"):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store")
    assert len(fake.requests) == 1


def test_a_layer_that_is_too_large_for_a_proxy_is_named(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.answers += [("PATCH", httpx2.Response(413, content=b"<html>")) for _ in range(3)]
    with pytest.raises(RegistryError, match=r"takes no layer of this size for acme/shop \(413\)"):
        fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    assert not fake.manifests


def test_what_the_registry_says_is_shown_on_one_clean_line(fake: FakeRegistry, tmp_path: Path) -> None:
    said = {"errors": [{"code": "MANIFEST_INVALID", "message": "bad\x1b[31m\nthings " + "x" * 999}]}
    fake.answers.append(("PUT .*/manifests/", httpx2.Response(400, json=said)))
    with pytest.raises(RegistryError) as caught:
        fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    message = caught.value.message
    assert message.startswith("127.0.0.1:5000 answers 400 for the manifest of acme/shop: bad?[31m things x")
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("body", [b"", b"[1", b'{"errors":3}', b"\xff", b"[" * 99_999, b"x" * 999_999])
def test_an_error_with_any_body_is_one_line(fake: FakeRegistry, tmp_path: Path, body: bytes) -> None:
    fake.answers.append(("GET", httpx2.Response(418, content=body)))
    with pytest.raises(RegistryError, match=r"answers 418 for the image latest of acme/shop$"):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store")


DOCUMENTS = {
    b"": "cannot be read",
    b"<html>": "cannot be read",
    b"[" * 99_999: "cannot be read",
    b"x" * ((4 << 20) + 1): "more than 4096 KiB",
    msgspec.json.encode({"schemaVersion": 1, "name": "old"}): "schema version 1",
    msgspec.json.encode({"schemaVersion": 2, "mediaType": "text/plain"}): "no container image",
    msgspec.json.encode({"schemaVersion": 2}): "not what it says",
    msgspec.json.encode({"schemaVersion": 2, "manifests": [], "layers": []}): "not what it says",
    msgspec.json.encode(
        {
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.acme+json", "digest": f"sha256:{'0' * 64}", "size": 2},
            "layers": [],
        }
    ): "no container image",
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_a_document_that_is_no_image_is_refused(fake: FakeRegistry, tmp_path: Path, document: bytes) -> None:
    fake.answers.append(("GET", httpx2.Response(200, content=document)))
    with pytest.raises(RegistryError, match=DOCUMENTS[document]):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store")
