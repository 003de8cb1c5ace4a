"""Images travel to a registry and back: one in memory, Debian's docker-registry and crane's."""

from pathlib import Path

import httpx2
import msgspec
import pytest

from ferrule.errors import ImageError, RegistryError
from ferrule.oci.descriptor import INDEX
from ferrule.oci.digest import digest_of
from ferrule.oci.platform import Platform
from tests.fakes.images import image_of
from tests.registry.world import World, small_image


def test_what_was_pushed_is_what_is_pulled(world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    published = world.visit().push(image, "acme/shop", "1.2", "latest")
    pulled = world.visit().pull("acme/shop:1.2", tmp_path / "store")
    assert str(published) == f"{world.host}/acme/shop@{image.descriptor.digest}"
    assert pulled.descriptor.digest == image.descriptor.digest
    assert (pulled.manifest_bytes, pulled.config_bytes) == (image.manifest_bytes, image.config_bytes)
    for layer in image.layers:
        assert pulled.blobs.path(layer).read_bytes() == image.blobs.path(layer).read_bytes()


def test_every_tag_and_the_digest_name_the_image(world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    published = world.visit().push(image, "acme/shop", "1.2", "stable")
    for name in ("acme/shop:1.2", "acme/shop:stable", f"acme/shop@{published.digest}"):
        pulled = world.visit().pull(name, tmp_path / name.replace("/", "_"))
        assert pulled.descriptor.digest == image.descriptor.digest


def test_a_second_push_uploads_no_blob(world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    world.visit().push(image, "acme/shop")
    again = world.visit()
    again.push(image, "acme/shop", "next")
    assert set(again.methods()) == {"HEAD", "PUT"}
    assert all("/manifests/" in path for path in again.paths("PUT"))


def test_the_same_push_again_asks_for_its_tags_and_sends_nothing(world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    world.visit().push(image, "acme/shop", "1.2", "latest")
    again = world.visit()
    published = again.push(image, "acme/shop", "1.2", "latest")
    assert published.digest == image.descriptor.digest
    assert sorted(again.paths("HEAD")) == [f"/v2/acme/shop/manifests/{tag}" for tag in ("1.2", "latest")]
    assert again.methods() == ["HEAD", "HEAD"]


def test_a_tag_that_has_moved_meanwhile_is_put_back_alone(world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    world.visit().push(image, "acme/shop", "1.2", "latest")
    world.visit().push(small_image(tmp_path / "other", b"other"), "acme/shop", "latest")
    again = world.visit()
    again.push(image, "acme/shop", "1.2", "latest")
    assert again.paths("PUT") == ["/v2/acme/shop/manifests/latest"]
    assert world.visit().pull("acme/shop", tmp_path / "store").descriptor.digest == image.descriptor.digest


def test_only_what_changed_is_uploaded(world: World, tmp_path: Path) -> None:
    world.visit().push(small_image(tmp_path / "old", b"base", b"old"), "acme/shop")
    again = world.visit()
    again.push(small_image(tmp_path / "new", b"base", b"new"), "acme/shop")
    assert len(again.paths("PATCH")) == 2  # the new layer and the configuration


def test_a_large_layer_goes_in_one_patch_without_a_range(world: World, tmp_path: Path) -> None:
    content = b"".join(index.to_bytes(4, "big") for index in range(3_000_000))
    image = image_of(tmp_path / "image", [content])
    visit = world.visit()
    visit.push(image, "acme/shop")
    patches = [request for request in visit.transport.requests if request.method == "PATCH"]
    sizes = {image.layers[0].size, len(image.config_bytes)}
    assert {int(request.headers["content-length"]) for request in patches} == sizes
    assert not any("content-range" in request.headers for request in patches)
    pulled = world.visit().pull("acme/shop", tmp_path / "store")
    assert digest_of(pulled.blobs.path(pulled.layers[0]).read_bytes()) == image.layers[0].digest


def test_layers_of_a_base_in_the_same_registry_are_never_downloaded(world: World, tmp_path: Path) -> None:
    world.visit().push(small_image(tmp_path / "base"), "library/base")
    visit = world.visit()
    base = visit.pull("library/base", tmp_path / "store")
    visit.push(base, "acme/shop")
    assert not any("/blobs/" in path and base.layers[0].digest in path for path in visit.paths("GET"))
    pulled = world.visit().pull("acme/shop", tmp_path / "other")
    assert pulled.blobs.path(pulled.layers[0]).is_file()


def test_layers_are_fetched_once_and_kept(world: World, tmp_path: Path) -> None:
    world.visit().push(small_image(tmp_path / "image"), "acme/shop")
    first = world.visit().pull("acme/shop", tmp_path / "store")
    first.blobs.path(first.layers[0])
    visit = world.visit()
    again = visit.pull("acme/shop", tmp_path / "store")
    again.blobs.path(again.layers[0])
    assert not any("/blobs/" in path for path in visit.paths("GET"))


def test_an_index_gives_the_image_of_the_platform(world: World, tmp_path: Path) -> None:
    arm = Platform(os="linux", architecture="arm64")
    image = small_image(tmp_path / "image")
    visit = world.visit()
    visit.push(image, "acme/shop", "amd64")
    put_index(world, image.descriptor.digest, image.descriptor.size)
    pulled = world.visit().pull("acme/shop:all", tmp_path / "store")
    assert pulled.descriptor.digest == image.descriptor.digest
    with pytest.raises(ImageError, match="no image for linux/arm64") as caught:
        world.visit().pull("acme/shop:all", tmp_path / "store", arm)
    assert "linux/amd64" in caught.value.hint


def test_a_manifest_that_is_not_there_is_named(world: World, tmp_path: Path) -> None:
    world.visit().push(small_image(tmp_path / "image"), "acme/shop")
    with pytest.raises(RegistryError, match="/acme/shop has no image next") as caught:
        world.visit().pull("acme/shop:next", tmp_path / "store")
    assert f"docker login {world.host}" in caught.value.hint


def test_an_image_that_a_mirror_does_not_have_keeps_the_name_that_was_typed(
    world: World, tmp_path: Path
) -> None:
    world.visit().push(small_image(tmp_path / "image"), "acme/shop")
    visit = world.visit(mirrors={"docker.io": world.host})
    with pytest.raises(RegistryError) as caught:
        visit.pull_name("acme/shop:v9", tmp_path / "store")
    assert caught.value.message == f"docker.io/acme/shop has no image v9 (asked at {world.host})"
    assert f"docker login {world.host}" in caught.value.hint


def test_a_mirror_is_asked_in_place_of_the_registry(world: World, tmp_path: Path) -> None:
    image = small_image(tmp_path / "image")
    world.visit().push(image, "acme/shop")
    visit = world.visit(mirrors={"registry.example.com": world.host})
    pulled = visit.pull_name("registry.example.com/acme/shop", tmp_path / "store")
    assert pulled.descriptor.digest == image.descriptor.digest
    assert {str(origin) for origin in pulled.origins.values()} == {"registry.example.com/acme/shop"}


def put_index(world: World, digest: str, size: int) -> None:
    """Put an index of one amd64 image under the tag `all`."""
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest,
        "size": size,
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    data = msgspec.json.encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
    with world.fresh() as transport:
        url = f"http://{world.host}/v2/acme/shop/manifests/all"
        request = httpx2.Request("PUT", url, content=data, headers={"content-type": INDEX})
        answer = transport.handle_request(request)
        assert answer.status_code == 201
        answer.close()
