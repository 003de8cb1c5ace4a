"""One image made in the test goes through assembling, layout, archive and tree."""

import gzip
import json
import resource
import tarfile
from pathlib import Path, PurePosixPath

import pytest
from backports import zstd
from msgspec.structs import replace

from ferrule.base.entry import FileEntry
from ferrule.errors import OutputError
from ferrule.image.archive import familiar, write_archive
from ferrule.image.assemble import ImageSpec, assemble
from ferrule.image.contents import DamagedLayerError
from ferrule.image.image import Image
from ferrule.image.layer import LayerSpec, make_layer
from ferrule.image.layout import LayoutError, read_layout, write_layout
from ferrule.image.store import BlobStore
from ferrule.image.tree import tree_of
from ferrule.oci.descriptor import LAYER_ZSTD, Descriptor
from ferrule.oci.digest import digest_of, hex_of
from ferrule.oci.image_config import History, RunConfig
from ferrule.oci.platform import Platform
from ferrule.oci.reference import parse_reference

AMD64 = Platform(os="linux", architecture="amd64")
P = PurePosixPath


def file(path: str, content: bytes = b"") -> FileEntry:
    return FileEntry(path=P(path), kind="file", source=content)


def link(path: str, target: str) -> FileEntry:
    return FileEntry(path=P(path), kind="link", target=target)


def image_of(
    store: BlobStore, *layers: tuple[FileEntry, ...], base: Image | None = None, created: int = 0
) -> Image:
    made = tuple(
        make_layer(LayerSpec(title=f"layer {n}", entries=e), store, mtime=0) for n, e in enumerate(layers)
    )
    run = RunConfig(entrypoint=("/app/shop",), user="1:1")
    return assemble(ImageSpec(platform=AMD64, base=base, layers=made, run=run, created=created), store)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def test_an_image_names_its_layers_twice_and_its_time_once(store: BlobStore) -> None:
    image = image_of(store, (file("/a"),), (file("/b"),))
    assert image.config.created == "1970-01-01T00:00:00Z"
    assert (
        len(image.manifest.layers)
        == len(image.config.rootfs.diff_ids)
        == len(image.config.history or ())
        == 2
    )
    assert image.descriptor.digest == digest_of(image.manifest_bytes)
    assert image.manifest.config.digest == digest_of(image.config_bytes)


def test_the_same_content_gives_the_same_digest_in_another_place(tmp_path: Path) -> None:
    digests = {image_of(BlobStore(tmp_path / name), (file("/a", b"x"),)).descriptor.digest for name in "ab"}
    assert len(digests) == 1


def test_a_given_time_is_written(store: BlobStore) -> None:
    assert image_of(store, (file("/a"),), created=1_700_000_000).config.created == "2023-11-14T22:13:20Z"


def test_the_layers_of_a_base_come_first_with_its_history(store: BlobStore) -> None:
    base = image_of(store, (file("/base"),))
    image = image_of(store, (file("/own"),), base=base)
    assert image.layers[0] == base.layers[0]
    assert image.config.rootfs.diff_ids[0] == base.config.rootfs.diff_ids[0]
    assert [entry.created_by for entry in image.config.history or ()] == [
        "ferrule: layer 0",
        "ferrule: layer 0",
    ]


@pytest.mark.parametrize("told", [(), (History(), History(), History(created_by="RUN", empty_layer=True))])
def test_a_base_whose_history_is_of_other_layers_gets_a_line_for_each(
    store: BlobStore, told: tuple[History, ...]
) -> None:
    base = image_of(store, (file("/base"),))
    odd = replace(base, config=replace(base.config, history=told))
    image = image_of(store, (file("/own"),), base=odd)
    assert [entry.created_by for entry in image.config.history or ()] == ["base", "ferrule: layer 0"]


def test_a_layout_reads_back_and_keeps_other_tags(tmp_path: Path, store: BlobStore) -> None:
    one, two = image_of(store, (file("/a"),)), image_of(store, (file("/b"),))
    write_layout(one, tmp_path / "out", "v1")
    write_layout(two, tmp_path / "out", "v2")
    assert read_layout(tmp_path / "out", "v1", AMD64).manifest_bytes == one.manifest_bytes
    back = read_layout(tmp_path / "out", "v2", AMD64)
    assert (back.manifest_bytes, back.config_bytes) == (two.manifest_bytes, two.config_bytes)
    assert back.blobs.path(back.layers[0]).read_bytes() == store.path(two.layers[0]).read_bytes()


def test_the_default_layout_holds_what_its_index_reaches_and_nothing_more(
    tmp_path: Path, store: BlobStore
) -> None:
    folder = tmp_path / "out"
    write_layout(image_of(store, (file("/a", b"1"),)), folder, "latest", prune=True)
    image = image_of(store, (file("/a", b"2"),))
    write_layout(image, folder, "latest", prune=True)
    reached = {
        image.descriptor.digest,
        image.manifest.config.digest,
        *(layer.digest for layer in image.layers),
    }
    assert {path.name for path in (folder / "blobs" / "sha256").iterdir()} == set(map(hex_of, reached))
    assert len(json.loads((folder / "index.json").read_bytes())["manifests"]) == 1


def test_one_image_under_two_tags_is_the_only_one(tmp_path: Path, store: BlobStore) -> None:
    image = image_of(store, (file("/a"),))
    for tag in ("v1", "latest"):
        write_layout(image, tmp_path / "out", tag)
    assert read_layout(tmp_path / "out", None, AMD64).manifest_bytes == image.manifest_bytes


def test_a_layout_without_the_tag_lists_what_it_has(tmp_path: Path, store: BlobStore) -> None:
    for tag in ("v1", "v2"):
        write_layout(image_of(store, (file(f"/{tag}"),)), tmp_path / "out", tag)
    with pytest.raises(LayoutError) as caught:
        read_layout(tmp_path / "out", "v3", AMD64)
    assert caught.value.hint == "it has v1, v2"
    with pytest.raises(LayoutError, match="holds 2 images"):
        read_layout(tmp_path / "out", None, AMD64)


def test_a_folder_that_is_no_layout_and_a_damaged_one_are_refused(tmp_path: Path, store: BlobStore) -> None:
    with pytest.raises(LayoutError, match="is no OCI layout"):
        read_layout(tmp_path, None, AMD64)
    image = image_of(store, (file("/a"),))
    write_layout(image, tmp_path / "out", "v1")
    (tmp_path / "out" / "blobs" / "sha256" / hex_of(image.descriptor.digest)).write_bytes(b"{}")
    with pytest.raises(LayoutError, match="is damaged"):
        read_layout(tmp_path / "out", "v1", AMD64)


def test_a_layout_that_cannot_be_read_says_why(tmp_path: Path, store: BlobStore) -> None:
    write_layout(image_of(store, (file("/a"),)), tmp_path / "out", "v1")
    (tmp_path / "out" / "index.json").unlink()
    (tmp_path / "out" / "index.json").symlink_to("/proc/self/mem")  # a file that not even root can read
    with pytest.raises(LayoutError, match=r"cannot read the layout .*/out: Input/output error"):
        read_layout(tmp_path / "out", None, AMD64)


def test_a_layout_that_cannot_be_written_is_an_output_error(tmp_path: Path, store: BlobStore) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OutputError):
        write_layout(image_of(store, (file("/a"),)), tmp_path / "out", "v1")


def test_an_archive_is_a_docker_archive_and_a_layout_at_once(tmp_path: Path, store: BlobStore) -> None:
    image = image_of(store, (file("/a"),))
    names = (parse_reference("shop:1"), parse_reference("ghcr.io/acme/shop:1"))
    write_archive(image, names, tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]  # it is a file
        index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]  # it is a file
        members = set(archive.getnames())
    assert manifest[0]["RepoTags"] == ["shop:1", "ghcr.io/acme/shop:1"]
    assert {manifest[0]["Config"], *manifest[0]["Layers"], "oci-layout"} <= members
    assert {entry["digest"] for entry in index["manifests"]} == {image.descriptor.digest}
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_an_archive_for_podman_is_docker_s_alone_with_whole_names(tmp_path: Path, store: BlobStore) -> None:
    image = image_of(store, (file("/a"),))
    write_archive(image, (parse_reference("shop:1"),), tmp_path / "image.tar", docker_only=True)
    with tarfile.open(tmp_path / "image.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]  # it is a file
        members = set(archive.getnames())
    assert manifest[0]["RepoTags"] == ["docker.io/library/shop:1"]
    assert {"oci-layout", "index.json"} & members == set()
    assert {manifest[0]["Config"], *manifest[0]["Layers"]} <= members


def test_names_are_shown_as_docker_shows_them() -> None:
    names = ("shop:1", "acme/shop:1", "library/acme/shop:1", "ghcr.io/acme/shop:1")
    shown = [familiar(parse_reference(name)) for name in names]
    assert shown == list(names)


def test_a_tree_is_what_the_layers_add_up_to(store: BlobStore) -> None:
    lower = (
        file("/etc/a", b"old"),
        file("/etc/b", b"b"),
        file("/opt/x/y", b"y"),
        file("/usr/lib/z", b"z"),
        link("/lib", "usr/lib"),
    )
    upper = (file("/etc/a", b"new"), file("/etc/.wh.b"), file("/opt/.wh..wh..opq"), file("/opt/own", b"own"))
    with tree_of(image_of(store, lower, upper)) as tree:
        assert tree.open(P("/etc/a")).read() == b"new"
        assert tree.resolve(P("/etc/b")) is None
        assert tree.names(P("/opt")) == ("own",)
        assert tree.resolve(P("/lib/z")) == P("/usr/lib/z")
        assert tree.has(P("/lib/z"))
        assert not tree.has(P("/opt/x/y"))


def test_links_in_a_tree_stay_inside_and_loops_end(store: BlobStore) -> None:
    entries = (
        link("/a", "b"),
        link("/b", "a"),
        link("/up", "../../../../etc/x"),
        file("/etc/x", b"x"),
        link("/abs", "/etc/x"),
        link("/slashes", "//etc/x"),
    )
    with tree_of(image_of(store, entries)) as tree:
        assert tree.resolve(P("/a")) is None
        assert tree.resolve(P("/up")) == P("/etc/x")
        assert tree.resolve(P("/abs")) == P("/etc/x")
        assert tree.resolve(P("/slashes")) == P("/etc/x")


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b\x08\x00garbage", b"not a tar" * 100, b"\x1f\x8b"])
def test_a_layer_that_cannot_be_read_is_one_clear_error(store: BlobStore, data: bytes) -> None:
    good = image_of(store, (file("/a"),))
    layer = Descriptor(media_type=good.layers[0].media_type, digest=store.put(data), size=len(data))
    image = image_with_layer(good, layer)
    with pytest.raises(DamagedLayerError, match="cannot be read"), tree_of(image):
        pass


def test_a_layer_that_is_another_than_the_configuration_names_is_refused(store: BlobStore) -> None:
    image = image_with_layer(image_of(store, (file("/a"),)), image_of(store, (file("/b"),)).layers[0])
    with pytest.raises(DamagedLayerError, match="not what the image's configuration says"), tree_of(image):
        pass


def test_a_layer_that_no_disk_has_room_for_is_no_damaged_layer(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = image_of(store, (file("/a", bytes(1 << 20)),))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, before[1]))
    try:
        with (
            pytest.raises(OutputError, match=f"cannot be unpacked into {tmp_path}: File too"),
            tree_of(image),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_zstd_layer_is_read(store: BlobStore) -> None:
    good = image_of(store, (file("/a", b"content"),))
    packed = zstd.compress(gzip.decompress(store.path(good.layers[0]).read_bytes()))
    layer = Descriptor(media_type=LAYER_ZSTD, digest=store.put(packed), size=len(packed))
    with tree_of(image_with_layer(good, layer)) as tree:
        assert tree.open(P("/a")).read() == b"content"


def image_with_layer(image: Image, layer: Descriptor) -> Image:
    return replace(image, manifest=replace(image.manifest, layers=(layer,)))
