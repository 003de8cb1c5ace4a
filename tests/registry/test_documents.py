"""What documents and answers may say about themselves, and what is not believed."""

import email.utils
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ferrule.errors import ImageError, RegistryError
from ferrule.oci.descriptor import INDEX, MANIFEST
from ferrule.oci.platform import Platform
from tests.fakes.registry import FakeRegistry
from tests.registry.conftest import fake_world
from tests.registry.world import small_image

ARM64 = Platform(os="linux", architecture="arm64")


def test_an_image_for_another_processor_is_refused(fake: FakeRegistry, tmp_path: Path) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    with pytest.raises(ImageError, match="acme/shop is for linux/amd64, not for linux/arm64"):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store", ARM64)


def test_an_index_without_the_platform_says_what_it_has(fake: FakeRegistry, tmp_path: Path) -> None:
    put_index(fake, tmp_path)
    with pytest.raises(ImageError, match="no image for linux/arm64") as caught:
        fake_world(fake).visit().pull("acme/shop:all", tmp_path / "store", ARM64)
    assert caught.value.hint == "it has linux/amd64"


def test_an_index_that_names_no_platform_leaves_it_to_the_configuration(
    fake: FakeRegistry, tmp_path: Path
) -> None:
    put_index(fake, tmp_path, platform=None)
    pulled = fake_world(fake).visit().pull("acme/shop:all", tmp_path / "store")
    assert pulled.config.architecture == "amd64"
    with pytest.raises(ImageError, match="acme/shop:all is for linux/amd64, not for linux/arm64"):
        fake_world(fake).visit().pull("acme/shop:all", tmp_path / "store", ARM64)


def test_an_index_that_names_something_else_for_the_platform_is_refused(
    fake: FakeRegistry, tmp_path: Path
) -> None:
    put_index(fake, tmp_path, mediaType="application/vnd.acme+json")
    with pytest.raises(RegistryError, match=r"names 'application/vnd\.acme\+json' for linux/amd64"):
        fake_world(fake).visit().pull("acme/shop:all", tmp_path / "store")


def test_an_index_that_is_wrong_about_a_size_is_refused(fake: FakeRegistry, tmp_path: Path) -> None:
    put_index(fake, tmp_path, size=1)
    with pytest.raises(RegistryError, match="sends something else"):
        fake_world(fake).visit().pull("acme/shop:all", tmp_path / "store")


def test_a_registry_and_a_document_that_disagree_are_not_believed(fake: FakeRegistry, tmp_path: Path) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    _, content = fake.manifests["acme/shop", "latest"]
    fake.manifests["acme/shop", "latest"] = (INDEX, content)
    with pytest.raises(RegistryError, match=f"the registry calls it {INDEX}".replace("+", r"\+")):
        fake_world(fake).visit().pull("acme/shop", tmp_path / "store")


def test_a_document_that_is_an_image_and_an_index_is_refused(fake: FakeRegistry, tmp_path: Path) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    _, content = fake.manifests["acme/shop", "latest"]
    both = json.dumps({**json.loads(content), "manifests": []}).encode()
    fake.manifests["acme/shop", "both"] = (MANIFEST, both)
    with pytest.raises(RegistryError, match="it is not what it says"):
        fake_world(fake).visit().pull("acme/shop:both", tmp_path / "store")


TOKENS: tuple[dict[str, Any], ...] = (
    {"expires_in": None},
    {"expires_in": "300"},
    {"expires_in": -1},
    {"access_token": None},
)


@pytest.mark.parametrize("extra", TOKENS, ids=str)
def test_tokens_are_taken_as_token_servers_write_them(
    fake: FakeRegistry, tmp_path: Path, extra: dict[str, Any]
) -> None:
    fake.auth = "bearer"
    fake.tokens["mine"] = ("repository:acme/shop:pull,push",)
    fake.answers.append(("GET /token", httpx2.Response(200, json={"token": "mine", **extra})))
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    assert list(fake.tokens) == ["mine"]


@pytest.mark.parametrize(("seconds", "asked"), [(-10, 2), (3600, 1)])
def test_a_wait_may_be_told_as_a_date(fake: FakeRegistry, tmp_path: Path, seconds: int, asked: int) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    date = email.utils.formatdate(time.time() + seconds, usegmt=True)
    fake.answers.append(("GET .*/manifests", httpx2.Response(429, headers={"retry-after": date})))
    visit = fake_world(fake).visit()
    try:
        visit.pull("acme/shop", tmp_path / "store")
        patient = True
    except RegistryError:
        patient = False
    assert patient == (asked == 2)
    assert sum("/manifests/" in path for path in visit.paths("GET")) == asked


@pytest.mark.parametrize(
    "text", ["", "soon", "Wed, 99 Oct 2036 07:28:00 GMT", "Wed, 21 Oct 99999 07:28:00", "-1"]
)
def test_a_wait_that_is_none_does_no_harm(fake: FakeRegistry, tmp_path: Path, text: str) -> None:
    fake_world(fake).visit().push(small_image(tmp_path / "image"), "acme/shop")
    fake.answers.append(("GET .*/manifests", httpx2.Response(503, headers={"retry-after": text})))
    assert fake_world(fake).visit().pull("acme/shop", tmp_path / "store").layers


def put_index(fake: FakeRegistry, folder: Path, **changes: Any) -> None:
    """An index of one amd64 image under the tag `all`."""
    image = small_image(folder / "image")
    fake_world(fake).visit().push(image, "acme/shop")
    entry = {"mediaType": MANIFEST, "digest": image.descriptor.digest, "size": image.descriptor.size}
    entry |= {"platform": {"os": "linux", "architecture": "amd64"}, **changes}
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    fake.manifests["acme/shop", "all"] = (INDEX, data)
