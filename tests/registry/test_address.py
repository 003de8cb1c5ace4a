"""Where registries send us, and where we do not go."""

from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.errors import RegistryError
from ferrule.oci.reference import parse_reference
from ferrule.registry.access import Access, Site, is_loopback
from ferrule.registry.address import is_at, resolve
from tests.fakes.registry import FakeRegistry
from tests.registry.conftest import fake_world
from tests.registry.world import small_image

BASE = "https://r.example.com/v2/acme/shop/blobs/uploads/"


@pytest.mark.parametrize(
    ("location", "meant"),
    [
        ("/v2/acme/shop/blobs/uploads/1?state=a%3D", f"{BASE}1?state=a%3D"),
        ("1?state=a", f"{BASE}1?state=a"),
        ("https://r.example.com/x?y=z#part", "https://r.example.com/x?y=z"),
        ("https://user:word@cdn.example.com/x", "https://cdn.example.com/x"),
        ("http://r.example.com/x", "https://r.example.com/x"),
        ("//cdn.example.com/x", "https://cdn.example.com/x"),
    ],
)
def test_a_location_may_be_relative_or_absolute(location: str, meant: str) -> None:
    assert resolve("r.example.com", BASE, location) == meant


@pytest.mark.parametrize("location", ["http://cdn.example.com/x", "http://r.example.com:80/x"])
def test_nothing_leaves_tls(location: str) -> None:
    with pytest.raises(RegistryError, match="from https to http"):
        resolve("r.example.com", BASE, location)


@pytest.mark.parametrize(
    "location", ["ftp://r.example.com/x", "https://[", "/a b", "/\xe4", "file:///etc/passwd"]
)
def test_a_location_that_is_no_address_is_refused(location: str) -> None:
    with pytest.raises(RegistryError, match="no address"):
        resolve("r.example.com", BASE, location)


@given(st.text())
def test_any_location_is_resolved_or_refused(location: str) -> None:
    try:
        address = resolve("r.example.com", BASE, location)
        assert httpx2.URL(address).scheme == "https"
    except RegistryError as error:
        assert error.hint


def test_only_the_registry_itself_is_the_registry() -> None:
    site = Site(registry="r.example.com", host="r.example.com", plain=False)
    own = ("https://r.example.com/v2/", "https://R.example.com:443/x", "https://r.example.com./x")
    others = (
        "http://r.example.com/",
        "https://r.example.com:444/",
        "https://example.com/",
        "https://r.example",
    )
    assert all(is_at(site, url) for url in own)
    assert not any(is_at(site, url) for url in others)


@pytest.mark.parametrize("relative", [True, False])
def test_an_upload_goes_where_the_registry_says(tmp_path: Path, *, relative: bool) -> None:
    registry = FakeRegistry(relative=relative)
    image = small_image(tmp_path / "image")
    fake_world(registry).visit().push(image, "acme/shop")
    assert fake_world(registry).visit().pull("acme/shop", tmp_path / "store").config == image.config


def test_an_upload_on_another_host_gets_no_login(tmp_path: Path, fake: FakeRegistry) -> None:
    fake.auth = "basic"
    elsewhere = httpx2.Response(202, headers={"location": "http://127.0.0.1:7000/upload"})
    fake.answers += [("POST", elsewhere), ("PATCH /upload", httpx2.Response(401))]
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:7000, where .* acme/shop, answers 401"):
        fake_world(fake).visit().push(small_image(tmp_path / "image", b"one"), "acme/shop")
    (patch,) = (request for request in fake.requests if request.url.port == 7000)
    assert "authorization" not in patch.headers


def test_an_upload_without_a_place_is_refused(tmp_path: Path, fake: FakeRegistry) -> None:
    fake.answers += [("POST", httpx2.Response(202)) for _ in range(3)]
    with pytest.raises(RegistryError, match="does not say where"):
        fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")


def test_redirects_end(tmp_path: Path, fake: FakeRegistry) -> None:
    moved = {"location": "/v2/acme/shop/manifests/latest"}
    fake.answers += [("GET", httpx2.Response(307, headers=moved)) for _ in range(9)]
    with pytest.raises(RegistryError, match="redirects more than 5 times"):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store")
    assert len(fake.requests) == 6


def test_a_redirect_to_the_registry_itself_keeps_the_login(tmp_path: Path, fake: FakeRegistry) -> None:
    fake.auth = "basic"
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop", "real")
    moved = {"location": "/v2/acme/shop/manifests/real"}
    fake.answers.append(("GET .*/manifests/alias", httpx2.Response(302, headers=moved)))
    assert fake_world(fake).visit().pull("acme/shop:alias", tmp_path / "store").layers


def test_a_redirect_that_leaves_tls_is_refused(tmp_path: Path) -> None:
    registry = FakeRegistry(host="r.example.com")
    moved = {"location": "http://cdn.example.com/manifest"}
    registry.answers.append(("GET", httpx2.Response(307, headers=moved)))
    with pytest.raises(RegistryError, match="from https to http"):
        fake_world(registry).visit().pull("acme/shop", tmp_path / "store")


@pytest.mark.parametrize("status", [202, 401, 403, 404, 405, 500])
def test_a_mount_that_is_refused_becomes_an_upload(tmp_path: Path, fake: FakeRegistry, status: int) -> None:
    world = fake_world(fake)
    world.visit().push(small_image(tmp_path / "base", b"one"), "library/base")
    visit = world.visit()
    base = visit.pull("library/base", tmp_path / "store")
    del fake.blobs["library/base", base.manifest.config.digest]
    begun = {"location": "/v2/acme/shop/blobs/uploads/77?state=0"}
    fake.uploads["77"] = b""
    fake.answers.append(("POST .*mount=", httpx2.Response(status, headers=begun if status == 202 else {})))
    visit.push(base, "acme/shop")
    assert ("acme/shop", base.layers[0].digest) in fake.blobs


def test_a_base_of_another_registry_is_uploaded(tmp_path: Path, fake: FakeRegistry) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "base"), "library/base")
    base = fake_world(fake).visit().pull("library/base", tmp_path / "store")
    other = FakeRegistry(host="127.0.0.1:5055")
    visit = fake_world(other).visit()
    visit.push(base, "acme/shop")
    assert not any("mount=" in path for path in visit.paths("POST"))
    assert len(visit.paths("PATCH")) == 3


def test_a_push_goes_to_the_registry_and_not_to_its_mirror(tmp_path: Path, fake: FakeRegistry) -> None:
    world = fake_world(fake)
    visit = world.visit(mirrors={world.host: "127.0.0.1:5999"})
    visit.push(small_image(tmp_path / "image"), "acme/shop")
    assert {request.url.port for request in visit.transport.requests} == {5000}


def test_a_layer_mounts_from_the_mirror_it_came_from(tmp_path: Path, fake: FakeRegistry) -> None:
    world = fake_world(fake)
    world.visit().push(small_image(tmp_path / "base"), "library/debian")
    visit = world.visit(mirrors={"docker.io": world.host})
    base = visit.pull_name("debian", tmp_path / "store")
    visit.push(base, "acme/shop")
    assert sum("from=library%2Fdebian" in path for path in visit.paths("POST")) == 2


def test_docker_hub_is_asked_under_its_other_name() -> None:
    place = Access().pull(parse_reference("debian:12"))
    assert place.url("manifests/12") == "https://registry-1.docker.io/v2/library/debian/manifests/12"
    assert (place.site.registry, place.site.login) == ("docker.io", "docker login")


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:80", "127.9.9.9", "[::1]:80"])
def test_this_machine_is_spoken_to_without_tls(host: str) -> None:
    assert is_loopback(host)
    assert Access().pull(parse_reference(f"{host}/acme/shop")).site.plain


@pytest.mark.parametrize("host", ["example.com", "128.0.0.1", "localhost.example.com", "127.0.0.1.nip.io:80"])
def test_other_machines_are_spoken_to_with_tls(host: str) -> None:
    place = Access().pull(parse_reference(f"{host}/acme/shop"))
    assert place.site.url == f"https://{host}"


@pytest.mark.parametrize("named", ["r.example.com", "r.example.com:5000"])
def test_what_the_user_calls_insecure_is_spoken_to_without_tls(named: str) -> None:
    place = Access(insecure=frozenset({named})).push(parse_reference("r.example.com:5000/acme/shop"))
    assert place.site.url == "http://r.example.com:5000"
