"""Layouts that several runs write, that a killed run left, and that a power cut damaged."""

import json
import os
import subprocess  # noqa: TID251 - other runs are other processes
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ferrule.base.entry import FileEntry
from ferrule.errors import FerruleError
from ferrule.image.image import Image
from ferrule.image.layout import read_layout, write_layout, write_layouts
from ferrule.image.store import BlobStore
from ferrule.oci.descriptor import INDEX
from ferrule.oci.digest import digest_of, hex_of
from ferrule.oci.document import encode
from ferrule.oci.manifest import index_of
from tests.image.test_image import AMD64, image_of

WRITERS = 8
WRITES = """
import sys
from pathlib import Path
from ferrule.image.layout import write_layout
from ferrule.image.store import BlobStore
from tests.image.test_image import file, image_of

folder, number, prune = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "prune"
images = [
    image_of(BlobStore(folder / f"store{number}"), (file("/a", f"{number}.{turn}".encode() * 1000),))
    for turn in range(10)
]
print("there", flush=True)
sys.stdin.read(1)
for turn, image in enumerate(images):
    write_layout(image, folder / "out", f"{number}.{turn}", prune=prune)
"""


def content(text: str) -> tuple[FileEntry, ...]:
    return (FileEntry(path=PurePosixPath("/a"), kind="file", source=text.encode()),)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "store")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def files_of(*images: Image) -> set[str]:
    return {
        hex_of(part.digest)
        for image in images
        for part in (image.descriptor, image.manifest.config, *image.layers)
    }


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs" / "sha256").iterdir()}


def tags(folder: Path) -> set[str]:
    entries = json.loads((folder / "index.json").read_bytes())["manifests"]
    return {entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries}


@pytest.mark.parametrize("how", ["prune", "keep"])
def test_of_many_runs_that_write_at_once_none_loses_another_s_image(tmp_path: Path, how: str) -> None:
    argv = (sys.executable, "-c", WRITES, str(tmp_path))
    runs = [
        subprocess.Popen((*argv, str(number), how), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for number in range(WRITERS)
    ]
    for run in runs:
        assert run.stdout is not None
        run.stdout.readline()
    for run in runs:
        assert run.stdin is not None
        run.stdin.write(b"x")
        run.stdin.flush()
    for run in runs:
        run.communicate()
    assert [run.returncode for run in runs] == [0] * WRITERS
    expected = {f"{number}.{turn}" for number in range(WRITERS) for turn in range(10)}
    assert tags(tmp_path / "out") == expected
    images = [read_layout(tmp_path / "out", tag, AMD64) for tag in expected]
    for image in images:
        assert image.blobs.path(image.layers[0]).is_file()
    assert blobs(tmp_path / "out") == files_of(*images)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"blobs", "index.json", "oci-layout"}


@pytest.mark.parametrize("damage", ["flipped", "cut short", "empty", "a folder", "gone"])
@pytest.mark.parametrize("prune", [True, False])
def test_what_was_damaged_is_written_again(
    out: Path,
    store: BlobStore,
    damage: str,
    prune: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    image = image_of(store, content("1" * 5000))
    write_layout(image, out, "v1")
    for path in [*(out / "blobs" / "sha256").iterdir(), out / "oci-layout"]:
        spoil(path, damage)
    write_layout(image, out, "v1", prune=prune)
    back = read_layout(out, "v1", AMD64)
    assert back.manifest_bytes == image.manifest_bytes
    assert back.blobs.path(image.layers[0]).read_bytes() == store.path(image.layers[0]).read_bytes()
    assert json.loads((out / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}


def spoil(path: Path, damage: str) -> None:
    data = path.read_bytes()
    if damage == "flipped":
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    elif damage in ("cut short", "empty"):
        path.write_bytes(data[: len(data) // 2 if damage == "cut short" else 0])
    else:
        path.unlink()
        if damage == "a folder" and path.name != "oci-layout":
            path.mkdir()


def test_the_default_layout_forgets_what_cannot_be_read_in_it(out: Path, store: BlobStore) -> None:
    one, two = image_of(store, content("1")), image_of(store, content("2"))
    write_layout(one, out, "v1", prune=True)
    (out / "blobs" / "sha256" / hex_of(one.descriptor.digest)).write_bytes(b"")
    write_layout(two, out, "v2", prune=True)
    assert tags(out) == {"v2"}
    assert blobs(out) == files_of(two)
    (out / "index.json").write_bytes(b"")
    write_layout(one, out, "v1", prune=True)
    assert tags(out) == {"v1"}
    assert blobs(out) == files_of(one)


def test_another_s_layout_whose_index_cannot_be_read_is_left_alone(out: Path, store: BlobStore) -> None:
    write_layout(image_of(store, content("1")), out, "v1")
    (out / "index.json").write_bytes(b"{")
    before = blobs(out)
    with pytest.raises(FerruleError):
        write_layout(image_of(store, content("2")), out, "v2")
    assert (out / "index.json").read_bytes() == b"{"
    assert blobs(out) == before


def test_what_another_tool_says_in_the_index_stays(out: Path, store: BlobStore) -> None:
    write_layout(image_of(store, content("1")), out, "v1")
    ours = json.loads((out / "index.json").read_bytes())
    artifact = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.acme.sbom",
        "digest": digest_of(b"{}"),
        "size": 2,
        "data": "e30=",
        "platform": {"os": "windows", "architecture": "amd64", "os.version": "10.0.1"},
    }
    again = {**artifact, "artifactType": "application/vnd.acme.licence"}
    theirs = {**ours, "subject": artifact, "manifests": [artifact, *ours["manifests"], again]}
    (out / "index.json").write_text(json.dumps(theirs))
    write_layout(image_of(store, content("2")), out, "v2")
    found = json.loads((out / "index.json").read_bytes())
    assert found["manifests"][:3] == theirs["manifests"]
    assert found == {**theirs, "manifests": found["manifests"]}
    assert tags_of(found) == [None, "v1", None, "v2"]


def tags_of(index: Any) -> list[str | None]:
    name = "org.opencontainers.image.ref.name"
    return [entry.get("annotations", {}).get(name) for entry in index["manifests"]]


def test_what_a_killed_run_left_goes_with_the_next(out: Path, store: BlobStore) -> None:
    image = image_of(store, content("1"))
    write_layout(image, out, "v1", prune=True)
    (out / "blobs" / "sha256" / ".part-1234").write_bytes(b"half")
    (out / "blobs" / "sha256" / "put-and-not-yet-named").write_bytes(b"whole")
    for name in (".index.json.part-1234", ".oci-layout.part-1234"):
        (out / name).write_bytes(b"half")
    write_layout(image, out, "v1", prune=True)
    assert blobs(out) == files_of(image)
    assert {path.name for path in out.iterdir()} == {"blobs", "index.json", "oci-layout"}


def test_in_another_s_layout_only_unfinished_files_of_ours_go(out: Path, store: BlobStore) -> None:
    image = image_of(store, content("1"))
    write_layout(image, out, "v1")
    kept = digest_of(b"something else")
    BlobStore(out / "blobs").put(b"something else")
    (out / "blobs" / "sha256" / ".part-1234").write_bytes(b"half")
    (out / ".index.json.part-1234").write_bytes(b"half")
    write_layout(image, out, "v1")
    assert blobs(out) == files_of(image) | {hex_of(kept)}
    assert {path.name for path in out.iterdir()} == {"blobs", "index.json", "oci-layout"}


def test_what_an_index_in_the_index_reaches_stays(out: Path, store: BlobStore) -> None:
    inner, other = image_of(store, content("1")), image_of(store, content("2"))
    write_layout(inner, out, "inner")
    blobs_of = BlobStore(out / "blobs")
    entry = inner.descriptor
    for _ in range(3):
        data = encode(index_of((entry,)))
        entry = type(entry)(media_type=INDEX, digest=blobs_of.put(data), size=len(data))
    named = type(entry)(
        media_type=INDEX,
        digest=entry.digest,
        size=entry.size,
        annotations={"org.opencontainers.image.ref.name": "nested"},
    )
    (out / "index.json").write_bytes(encode(index_of((named,))))
    reached = blobs(out)
    write_layout(other, out, "other", prune=True)
    assert tags(out) == {"nested", "other"}
    assert blobs(out) == reached | files_of(other)


def test_an_unchanged_image_writes_nothing(out: Path, store: BlobStore) -> None:
    image = image_of(store, content("1"))
    write_layout(image, out, "v1", prune=True)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.rglob("*")}
    write_layout(image, out, "v1", prune=True)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.rglob("*")} == before


def test_a_blob_that_is_damaged_while_it_is_copied_is_not_named(out: Path, store: BlobStore) -> None:
    image = image_of(store, content("1"))
    layer = store.path(image.layers[0])
    layer.write_bytes(os.urandom(layer.stat().st_size))  # after it was verified
    with pytest.raises(FerruleError):
        write_layout(image, out, "v1")
    assert not (out / "index.json").exists()


def test_several_images_appear_together(store: BlobStore, out: Path) -> None:
    first, second = (image_of(store, content(text)) for text in ("first", "second"))
    write_layouts({"a": first, "b": second, "c": first}, out, prune=True)
    assert [read_layout(out, tag, AMD64).descriptor.digest for tag in "abc"] == [
        each.descriptor.digest for each in (first, second, first)
    ]
    assert {path.name for path in (out / "blobs" / "sha256").iterdir()} == files_of(first, second)
