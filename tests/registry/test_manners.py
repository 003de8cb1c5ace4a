"""What the client does without being asked: it stops early, keeps nothing, and says no more than it must."""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from msgspec.structs import replace

from ferrule.errors import RegistryError
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import digest_of
from ferrule.registry.client import Access, Client
from tests.fakes.registry import FakeRegistry, unread
from tests.registry.conftest import fake_world
from tests.registry.world import Recorder, Table, Visit, World, small_image


def test_a_layer_without_an_end_is_given_up(fake: FakeRegistry, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", b"one")
    fake_world(fake).visit().push(image, "acme/shop")
    sent = []

    def endless() -> Iterator[bytes]:
        for number in range(1000):
            sent.append(number)
            yield b"x" * (1 << 18)

    fake.answers.append((f"GET .*{image.layers[0].digest}", httpx2.Response(200, content=endless())))
    pulled = fake_world(fake).visit().pull("acme/shop", tmp_path / "store")
    with pytest.raises(RegistryError, match="sends something else"):
        pulled.blobs.path(pulled.layers[0])
    assert len(sent) < 4


def test_a_token_server_with_a_weak_moment_is_asked_again(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.auth = "bearer"
    fake.answers.append(("GET /token", httpx2.Response(503)))
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    assert fake.manifests


def test_a_token_server_that_stays_weak_is_left_alone(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.auth = "bearer"
    fake.answers += [("GET /token", httpx2.Response(503)) for _ in range(20)]
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:5001 answers 503"):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store")
    assert sum(line.startswith("GET /token") for line in fake.lines()) == 3


def test_what_a_registry_adds_to_the_scope_is_asked_for(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.auth = "bearer"
    proxied = f'Bearer realm="{fake.realm}",scope="repository:proxy/acme/shop:pull repository:acme/shop:pull"'
    fake.challenge = proxied
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    (scopes,) = fake.tokens.values()
    assert scopes == ("repository:acme/shop:pull,push", "repository:proxy/acme/shop:pull")


def test_cookies_are_not_kept(fake: FakeRegistry, tmp_path: Path) -> None:
    fake.answers.append(("HEAD", httpx2.Response(404, headers={"set-cookie": "a=b; Path=/"})))
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    assert not any("cookie" in request.headers for request in fake.requests)


def test_content_is_asked_for_as_it_is(fake: FakeRegistry, tmp_path: Path) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    assert {request.headers["accept-encoding"] for request in fake.requests} == {"identity"}


def test_what_is_known_by_digest_needs_no_registry(fake: FakeRegistry, tmp_path: Path) -> None:
    published = fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    name = f"acme/shop@{published.digest}"
    first = fake_world(fake).visit().pull(name, tmp_path / "store")
    visit = fake_world(fake).visit()
    assert visit.pull(name, tmp_path / "store").manifest == first.manifest
    assert visit.transport.requests == []


def test_a_damaged_document_in_the_store_is_read_anew(fake: FakeRegistry, tmp_path: Path) -> None:
    published = fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    name = f"acme/shop@{published.digest}"
    fake_world(fake).visit().pull(name, tmp_path / "store")
    for path in (tmp_path / "store" / "sha256").iterdir():
        path.write_bytes(b"damaged")
    assert fake_world(fake).visit().pull(name, tmp_path / "store").descriptor.digest == published.digest


@pytest.mark.parametrize("what", ["blobs", "manifests"])
def test_a_registry_that_received_something_else_is_not_believed(
    fake: FakeRegistry, tmp_path: Path, what: str
) -> None:
    other = {"docker-content-digest": digest_of(b"something else")}
    fake.answers.append((f"PUT .*/{what}/", httpx2.Response(201, headers=other)))
    with pytest.raises(RegistryError, match="received something else"):
        fake_world(fake).visit().push(small_image(tmp_path / "image", b"one"), "acme/shop")


def test_a_configuration_of_other_layers_is_refused(fake: FakeRegistry, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    fake_world(fake).visit().push(image, "acme/shop")
    config = json.loads(image.config_bytes)
    config["rootfs"]["diff_ids"].pop()
    data = json.dumps(config).encode()
    fake.blobs["acme/shop", digest_of(data)] = data
    manifest = json.loads(image.manifest_bytes)
    manifest["config"] |= {"digest": digest_of(data), "size": len(data)}
    fake.manifests["acme/shop", "odd"] = ("", json.dumps(manifest).encode())
    with pytest.raises(RegistryError, match="has 2 layers, the configuration 1"):
        fake_world(fake).visit().pull("acme/shop:odd", tmp_path / "store")


def test_nothing_can_be_pulled_before_all_of_it_is_there(fake: FakeRegistry, tmp_path: Path) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop", "one", "two")
    puts = [line for line in fake.lines() if line.startswith("PUT")]
    blobs, manifests = puts[:3], puts[3:]
    assert all("/blobs/" in line for line in blobs)
    assert [line.rpartition("/")[2][:6] for line in manifests] == ["sha256", "one", "two"]


def test_the_same_layer_twice_is_sent_once(fake: FakeRegistry, tmp_path: Path) -> None:
    visit = fake_world(fake).visit()
    visit.push(small_image(tmp_path / "image", b"same", b"same"), "acme/shop")
    assert len(visit.paths("PATCH")) == 2  # the layer and the configuration


def test_a_file_that_vanished_is_one_line(fake: FakeRegistry, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", b"one")
    gone = replace(image, blobs=_Gone())
    with pytest.raises(Exception, match=r"cannot read .*gone: No such file") as caught:
        fake_world(fake).visit().push(gone, "acme/shop")
    assert type(caught.value).__name__ == "FerruleError"


def test_a_failure_ends_the_other_uploads(tmp_path: Path) -> None:
    image = small_image(tmp_path / "image", os.urandom(20 << 20), b"small")
    transport = _Slow(small=image.layers[1].size)
    client = Client(access=Access(), credentials=Table(), transport=transport)
    visit = Visit(world=World(host="127.0.0.1:5000"), client=client, transport=Recorder(transport))
    with pytest.raises(RegistryError, match="413"):
        visit.push(image, "acme/shop")
    assert 0 < transport.chunks < 40


class _Gone:
    def path(self, descriptor: Descriptor) -> Path:
        return Path("/nowhere/gone")


class _Slow(httpx2.BaseTransport):
    """Refuses a small layer while a large one is on its way, and goes on reading that one for a while."""

    def __init__(self, small: int) -> None:
        self._small = small
        self._begun = threading.Event()
        self._refused = threading.Event()
        self.chunks = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return unread(self._answer(request))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method in ("GET", "HEAD"):
            return httpx2.Response(404)
        if request.method == "POST":
            return httpx2.Response(202, headers={"location": "/upload"})
        size = int(request.headers["content-length"])
        if request.method == "PATCH" and size == self._small:
            assert self._begun.wait(60)
            self._refused.set()
            return httpx2.Response(413)
        assert isinstance(request.stream, httpx2.SyncByteStream)
        for _ in request.stream if size > 1 << 20 else ():
            self.chunks += 1
            self._begun.set()
            assert self._refused.wait(60)
            time.sleep(0.2)
        return httpx2.Response(202)
