"""One image is found on a shelf, in whatever documents; made-up ones give an image or one clear error."""

import io
import json
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrule.errors import FerruleError, ImageError
from ferrule.image.shelf import FolderShelf, Shelf, ShelfError, TarShelf
from ferrule.image.stored import find_stored
from ferrule.oci.platform import Platform
from tests.fakes.images import AMD64, INDEX, MANIFEST, entry, tar_of
from tests.fakes.layouts import (
    CONFIG,
    LAYER,
    Descriptor,
    Layout,
    digest_of,
    docker_archive,
    index_of,
    json_of,
)

TAR = tar_of([entry("a")])
REF, NAME = "org.opencontainers.image.ref.name", "io.containerd.image.name"
ARM64 = Platform(os="linux", architecture="arm64")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def named(descriptor: Descriptor, **annotations: str) -> Descriptor:
    return {**descriptor, "annotations": {REF: annotations.get("ref", ""), NAME: annotations.get("name", "")}}


def digest(shelf: Shelf, name: str | None = None, platform: Platform = AMD64) -> str | None:
    return find_stored(shelf, name, platform).digest


def test_an_image_is_found_by_every_name_it_has(layout: Layout) -> None:
    one, two = layout.image(TAR), layout.image(TAR, TAR)
    shelf = FolderShelf(
        layout.offer(
            named(one, ref="v1", name="docker.io/library/shop:v1"),
            named(two, ref="v2", name="ghcr.io/a/shop:v2"),
        )
    )

    for name in ("v1", "shop:v1", "docker.io/library/shop:v1"):
        assert digest(shelf, name) == one["digest"]
    for name in ("v2", "ghcr.io/a/shop:v2"):
        assert digest(shelf, name) == two["digest"]
    with pytest.raises(ShelfError) as caught:
        find_stored(shelf, None, AMD64)
    assert (caught.value.message, caught.value.hint) == (
        "it holds 2 images",
        "name one behind a colon: v1, v2",
    )


def test_one_image_of_many_names_needs_none(layout: Layout) -> None:
    one = layout.image(TAR)

    assert digest(FolderShelf(layout.offer(named(one, ref="a"), named(one, ref="b")))) == one["digest"]


def test_an_index_in_an_index_gives_the_image_for_the_platform(layout: Layout) -> None:
    images = {name: layout.image(TAR, architecture=name) for name in ("amd64", "arm64")}
    inner = layout.put(
        index_of(
            *({**image, "platform": {"os": "linux", "architecture": name}} for name, image in images.items())
        ),
        INDEX,
    )
    shelf = FolderShelf(layout.offer(layout.put(index_of(inner), INDEX)))

    assert digest(shelf) == images["amd64"]["digest"]
    assert digest(shelf, platform=ARM64) == images["arm64"]["digest"]
    with pytest.raises(ShelfError, match="no image for linux/riscv64"):
        digest(shelf, platform=Platform(os="linux", architecture="riscv64"))


def test_layers_are_opened_by_their_digests(layout: Layout) -> None:
    (layer,) = find_stored(FolderShelf(layout.offer(layout.image(TAR))), None, AMD64).layers

    with layer.open() as stream:
        assert stream.read() == TAR
    assert (layer.digest, layer.diff_id) == (digest_of(TAR), digest_of(TAR))


def test_what_docker_saved_is_found_by_its_tags(tmp_path: Path) -> None:
    shelf = TarShelf(docker_archive(tmp_path / "image.tar", TAR, RepoTags=["shop:v1", "shop:latest"]))

    for name in (None, "shop:v1", "shop", "shop:latest"):
        (layer,) = find_stored(shelf, name, AMD64).layers
        with layer.open() as stream:
            assert stream.read() == TAR
    with pytest.raises(ShelfError) as caught:
        find_stored(shelf, "shop:v2", AMD64)
    assert caught.value.hint == "it has shop:v1"


@pytest.mark.parametrize("changed", ["manifest", "config"])
def test_a_document_that_is_not_what_its_name_says_is_refused(layout: Layout, changed: str) -> None:
    descriptor = layout.image(TAR)
    manifest = json.loads(layout.blob(descriptor["digest"]).read_bytes())
    wrong = descriptor if changed == "manifest" else manifest["config"]
    layout.blob(wrong["digest"]).write_bytes(json_of({}))

    with pytest.raises(ShelfError, match="is not what its name says"):
        find_stored(FolderShelf(layout.offer(descriptor)), None, AMD64)


def test_more_layers_than_the_configuration_knows_are_refused(layout: Layout) -> None:
    descriptor = layout.image(TAR, TAR, diff_ids=(digest_of(TAR),))

    with pytest.raises(ImageError, match="2 layers, and its configuration 1"):
        find_stored(FolderShelf(layout.offer(descriptor)), None, AMD64)


class Documents:
    """A shelf in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def has(self, name: str) -> bool:
        return name in self._files

    def open(self, name: str) -> BinaryIO:
        if name not in self._files:
            raise ShelfError(f"there is no {name[:100]}")
        return io.BytesIO(self._files[name])


def put(files: dict[str, bytes], value: object, kind: str) -> dict[str, Any]:
    data = json_of(value)
    files[f"blobs/sha256/{digest_of(data)[7:]}"] = data
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}


def find_or_refuse(files: dict[str, bytes], name: str | None) -> None:
    shelf = Documents(files)
    try:
        source = find_stored(shelf, name, AMD64)
    except FerruleError as error:
        assert error.hint
        assert len(error.message) < 1000
    else:
        assert len(source.layers) == len(source.config.rootfs.diff_ids)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 1 << 70) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
GOOD: dict[str, Any] = {
    "config": {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest_of(TAR)]},
    },
    "run": {"User": "", "Env": [], "Entrypoint": ["/a"], "Labels": {"a": "b"}, "ExposedPorts": {"1/tcp": {}}},
    "history": [{"created_by": "x", "empty_layer": False}],
}
KEYS = [
    "config",
    "rootfs",
    "history",
    "os",
    "architecture",
    "layers",
    "manifests",
    "mediaType",
    "digest",
    "size",
]


@settings(max_examples=300, deadline=None)
@given(
    which=st.sampled_from(["config", "run", "manifest", "index", "entry"]),
    changes=st.dictionaries(
        st.sampled_from([*KEYS, "User", "Env", "Labels", "annotations", "platform"]),
        JSON,
        min_size=1,
        max_size=3,
    ),
    deep=st.integers(0, 6),
)
def test_odd_documents_of_a_layout_give_an_image_or_one_clear_error(
    which: str, changes: dict[str, Any], deep: int
) -> None:
    """One document has a value of another kind in it, and all digests are right."""

    def changed(kind: str, value: dict[str, Any]) -> dict[str, Any]:
        return {**value, **changes} if kind == which else value

    files: dict[str, bytes] = {}
    run = changed("run", dict(GOOD["run"]))
    config = put(
        files, changed("config", {"config": run, "history": GOOD["history"], **GOOD["config"]}), CONFIG
    )
    layers = [put(files, TAR, LAYER)]
    manifest = {"schemaVersion": 2, "config": config, "layers": layers, "annotations": {}}
    found = changed("entry", put(files, changed("manifest", manifest), MANIFEST))
    for _ in range(deep):
        found = put(files, {"schemaVersion": 2, "manifests": [found]}, INDEX)
    files["index.json"] = json_of(changed("index", {"schemaVersion": 2, "manifests": [found]}))
    find_or_refuse(files, None)


@settings(max_examples=200, deadline=None)
@given(
    entries=st.lists(
        st.fixed_dictionaries(
            {
                "Config": st.sampled_from(["config", "../config", "/etc/passwd", "layer", "manifest.json"])
                | JSON,
                "Layers": st.lists(st.sampled_from(["layer", "../../x", "", "\0"]), max_size=3) | JSON,
            },
            optional={"RepoTags": st.lists(st.text(max_size=5), max_size=2) | JSON, "x": JSON},
        ),
        max_size=3,
    )
    | JSON,
    name=st.none() | st.text(max_size=5),
)
def test_odd_archives_of_docker_give_an_image_or_one_clear_error(entries: Any, name: str | None) -> None:
    files = {"manifest.json": json_of(entries), "config": json_of(GOOD["config"]), "layer": TAR}
    find_or_refuse(files, name)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(["index.json", "manifest.json"]), data=st.binary(max_size=200))
def test_any_bytes_as_a_document_are_one_clear_error(name: str, data: bytes) -> None:
    find_or_refuse({name: data}, None)
