import errno
from pathlib import Path

import pytest

from ferrule.errors import OutputError
from ferrule.image.store import BlobMissingError, BlobStore
from ferrule.oci.descriptor import LAYER_GZIP, Descriptor
from ferrule.oci.digest import digest_of, hex_of


def descriptor_of(data: bytes) -> Descriptor:
    return Descriptor(media_type=LAYER_GZIP, digest=digest_of(data), size=len(data))


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def write_and_fail(store: BlobStore, error: Exception) -> None:
    with store.writer() as blob:
        blob.write(b"abc")
        raise error


def test_a_blob_lies_under_its_digest(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    assert store.put(b"abc") == digest_of(b"abc")
    assert (tmp_path / "sha256" / hex_of(digest_of(b"abc"))).read_bytes() == b"abc"
    assert store.path(descriptor_of(b"abc")).read_bytes() == b"abc"


def test_a_blob_that_was_changed_on_disk_is_removed_when_it_is_read(tmp_path: Path) -> None:
    BlobStore(tmp_path).put(b"abc")
    place = tmp_path / "sha256" / hex_of(digest_of(b"abc"))
    place.write_bytes(b"abd")
    with pytest.raises(BlobMissingError, match=r"is not what its name says$"):
        BlobStore(tmp_path).path(descriptor_of(b"abc"))
    assert place.read_bytes() == b"abd"  # a layout is its owner's to mend
    with pytest.raises(BlobMissingError, match="it was removed"):
        BlobStore(tmp_path, cache=True).path(descriptor_of(b"abc"))
    assert not place.exists()


def damaged(place: Path, how: str) -> None:
    place.unlink()
    if how == "other bytes":
        place.write_bytes(b"abd")
    elif how == "cut short":
        place.write_bytes(b"a")
    elif how == "a folder":
        (place / "below").mkdir(parents=True)
    elif how == "a link":
        (place.parent / "elsewhere").write_bytes(b"abd")
        place.symlink_to("elsewhere")
    else:
        place.symlink_to("nowhere")


@pytest.mark.parametrize("how", ["other bytes", "cut short", "a folder", "a link", "a link to nothing"])
@pytest.mark.parametrize("cache", [True, False])
def test_whatever_lies_in_the_place_of_a_blob_is_replaced(tmp_path: Path, how: str, cache: bool) -> None:  # noqa: FBT001 - a parameter of the test
    BlobStore(tmp_path).put(b"abc")
    damaged(tmp_path / "sha256" / hex_of(digest_of(b"abc")), how)
    store = BlobStore(tmp_path, cache=cache)
    with pytest.raises(BlobMissingError):
        store.path(descriptor_of(b"abc"))
    store.put(b"abc")
    assert BlobStore(tmp_path, cache=cache).path(descriptor_of(b"abc")).read_bytes() == b"abc"


def test_a_link_in_a_layout_is_followed_and_in_a_cache_it_is_not(tmp_path: Path) -> None:
    BlobStore(tmp_path).put(b"abc")
    place = tmp_path / "sha256" / hex_of(digest_of(b"abc"))
    place.rename(tmp_path / "abc")
    place.symlink_to(tmp_path / "abc")
    assert BlobStore(tmp_path).path(descriptor_of(b"abc")).read_bytes() == b"abc"
    assert BlobStore(tmp_path, cache=True).find(digest_of(b"abc")) is None


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with pytest.raises(RuntimeError):
        write_and_fail(store, RuntimeError())
    assert leftovers(tmp_path) == []


def test_other_content_than_promised_is_refused_and_thrown_away(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with (
        pytest.raises(BlobMissingError, match="promised"),
        store.writer(expect=descriptor_of(b"abc")) as blob,
    ):
        blob.write(b"abd")
    assert leftovers(tmp_path) == []


def test_a_full_disk_is_said_as_such(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write_and_fail(BlobStore(tmp_path), OSError(errno.ENOSPC, "No space left on device"))
    assert caught.value.message == f"cannot write to {tmp_path}: No space left on device"
    assert caught.value.hint == "free some space, or give another place"
    assert leftovers(tmp_path) == []


def test_a_store_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        BlobStore(tmp_path / "file").put(b"abc")
