"""Folders and tars give their files by name, and nothing that lies outside of them."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrule.image.shelf import FolderShelf, Shelf, ShelfError, TarShelf, is_inside, read_document
from ferrule.oci.document import MAX_DOCUMENT_BYTES
from tests.fakes.images import entry, folder, hard_link, link, tar_of


def shelf_of(file: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> TarShelf:
    file.write_bytes(tar_of(entries))
    return TarShelf(file)


@pytest.fixture(params=["folder", "tar"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """The same files in a folder and in a tar."""
    (tmp_path / "in" / "d").mkdir(parents=True)
    (tmp_path / "in" / "d" / "f").write_bytes(b"content" * 100)
    (tmp_path / "in" / "l").symlink_to("d/f")
    (tmp_path / "in" / "nothing").symlink_to("nothing")
    if request.param == "folder":
        return FolderShelf(tmp_path / "in")
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        tar.add(tmp_path / "in", ".")
    return TarShelf(tmp_path / "in.tar")


def test_a_file_is_read_by_its_name_and_through_links(shelf: Shelf) -> None:
    for name in ("d/f", "l"):
        assert shelf.has(name)
        with shelf.open(name) as stream:
            assert (stream.read(3), stream.read()) == (b"con", b"tent" + b"content" * 99)


@pytest.mark.parametrize("name", ["d", "x", "nothing", "../in/d/f", "/d/f", "d/../d/f", "d//f", "", "d/f\0"])
def test_what_is_no_file_of_it_is_not_there(shelf: Shelf, name: str) -> None:
    assert not shelf.has(name)
    with pytest.raises(ShelfError) as caught:
        shelf.open(name)
    assert caught.value.hint


def test_the_parts_of_a_tar_end_where_they_end(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path / "a.tar", entry("a", b"a" * 1000), entry("b", b"b" * 3))

    with shelf.open("a") as first, shelf.open("b") as second:
        assert (second.read(), first.read(2000), first.read()) == (b"bbb", b"a" * 1000, b"")


def test_docker_s_links_to_layers_that_it_has_twice_are_followed(tmp_path: Path) -> None:
    shelf = shelf_of(
        tmp_path / "a.tar",
        folder("one"),
        entry("one/layer.tar", b"layer"),
        link("two/layer.tar", "../one/layer.tar"),
        hard_link("three", "one/layer.tar"),
    )

    for name in ("two/layer.tar", "three"):
        with shelf.open(name) as stream:
            assert stream.read() == b"layer"


def test_the_last_of_two_files_of_a_name_counts(tmp_path: Path) -> None:
    with shelf_of(tmp_path / "a.tar", entry("a", b"1"), entry("./a", b"2")).open("a") as stream:
        assert stream.read() == b"2"


def test_a_document_is_small(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b" " * MAX_DOCUMENT_BYTES)
    (tmp_path / "large").write_bytes(b" " * (MAX_DOCUMENT_BYTES + 1))

    assert len(read_document(FolderShelf(tmp_path), "small")) == MAX_DOCUMENT_BYTES
    with pytest.raises(ShelfError, match="larger than 4 MiB"):
        read_document(FolderShelf(tmp_path), "large")


def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ShelfError, match="is no file"):
        FolderShelf(tmp_path).open("pipe")
    with pytest.raises(ShelfError, match="is no file"):
        TarShelf(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("begin", "hint"),
    [
        (b"\x1f\x8b", "gzip -dc a.tar"),
        (b"\x28\xb5\x2f\xfd", "zstd -dc"),
        (b"\xfd7zXZ\0", "xz -dc"),
        (b"BZh9", "bzip2 -dc"),
    ],
)
def test_the_hint_says_how_a_compressed_archive_is_read(tmp_path: Path, begin: bytes, hint: str) -> None:
    (tmp_path / "a.tar").write_bytes(begin + bytes(range(256)) * 4)

    with pytest.raises(ShelfError) as caught:
        TarShelf(tmp_path / "a.tar")
    assert hint in caught.value.hint


NAMES = st.text(st.sampled_from("ab./\0\udcff"), max_size=8)


@given(NAMES)
def test_no_name_inside_leads_outside(name: str) -> None:
    if is_inside(name):
        assert os.path.normpath(f"/in/{name}") == f"/in/{name}"


@settings(max_examples=150, deadline=None)
@given(
    entries=st.lists(st.tuples(NAMES, st.sampled_from([entry, link, hard_link]), NAMES), max_size=6),
    asked=NAMES,
    keep=st.just(1.0) | st.floats(0, 1),
)
def test_any_archive_gives_files_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, object, str]], asked: str, keep: float
) -> None:
    made = []
    for name, kind, says in entries:
        assert callable(kind)
        made.append(kind(name, says.encode("utf-8", "surrogateescape") if kind is entry else says))
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
        for info, content in made:
            tar.addfile(info, io.BytesIO(content))
    file = tmp_path_factory.getbasetemp() / "any.tar"
    file.write_bytes(raw.getvalue()[: int(keep * len(raw.getvalue()))])
    try:
        shelf = TarShelf(file)
        assert shelf.has(asked) in (True, False)
        with shelf.open(asked) as stream:
            stream.read()
    except ShelfError as error:
        assert error.hint
