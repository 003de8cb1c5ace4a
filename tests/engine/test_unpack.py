"""Layers of every kind become the folder that their images mean."""

import gzip
import os
import stat
import sys
import tarfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.engine.unpack import unpack
from ferrule.image.layout import read_layout
from tests.engine.trees import Stored, tree, unpacked
from tests.fakes.images import AMD64, entry, folder, hard_link, image_of, link, tar_of
from tests.parts.bases import base_layout
from tests.parts.debian import run
from tests.parts.need import need

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def test_files_folders_and_links_are_made(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path,
        [folder("d"), entry("d/f", b"1"), link("l", "d/f"), hard_link("h", "d/f"), entry("x/y/z", b"2")],
    )
    assert tree(root) == {
        "d": "/",
        "d/f": "1",
        "l": "-> d/f",
        "h": "1",
        "x": "/",
        "x/y": "/",
        "x/y/z": "2",
    }
    assert (root / "h").stat().st_ino == (root / "d/f").stat().st_ino


def test_modes_and_times_are_the_layers(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path,
        [folder("./", 0o711), folder("tmp", 0o1777), entry("f", mode=0o4751, mtime=1234), entry("p/q")],
    )
    assert stat.S_IMODE(root.stat().st_mode) == 0o711
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777
    assert stat.S_IMODE((root / "f").stat().st_mode) == 0o4751
    assert stat.S_IMODE((root / "p").stat().st_mode) == 0o755
    assert (root / "f").stat().st_mtime == 1234


def test_implied_folders_can_be_entered_whatever_our_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        root = unpacked(tmp_path, [entry("p/q")])
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / "p").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "p/q").stat().st_mode) == 0o644


def test_root_gives_files_to_their_owners(tmp_path: Path) -> None:
    need(os.geteuid() == 0, "root, who can give files away")
    root = unpacked(tmp_path, [entry("f", uid=1, gid=2), link("l", "f"), folder("d", uid=3, gid=4)])
    assert ((root / "f").stat().st_uid, (root / "f").stat().st_gid) == (1, 2)
    assert ((root / "d").stat().st_uid, (root / "d").stat().st_gid) == (3, 4)


def test_a_later_layer_replaces_what_stands_there(tmp_path: Path) -> None:
    below = [folder("d"), entry("d/f", b"old"), entry("g", b"old"), link("l", "g"), folder("both", 0o700)]
    above = [entry("d", b"now a file"), folder("g"), entry("l", b"now a file"), folder("both", 0o755)]
    root = unpacked(tmp_path, below, above)
    assert tree(root) == {"d": "now a file", "g": "/", "l": "now a file", "both": "/"}
    assert stat.S_IMODE((root / "both").stat().st_mode) == 0o755


def test_a_folder_keeps_what_a_lower_layer_put_into_it(tmp_path: Path) -> None:
    assert set(tree(unpacked(tmp_path, [entry("d/a")], [folder("d"), entry("d/b")]))) == {"d", "d/a", "d/b"}


def test_a_whiteout_removes_what_is_below(tmp_path: Path) -> None:
    below = [entry("d/a"), entry("d/b"), entry("e/f/g"), link("l", "/d")]
    root = unpacked(tmp_path, below, [entry("d/.wh.a"), entry(".wh.e"), entry(".wh.l"), entry(".wh.none")])
    assert set(tree(root)) == {"d", "d/b"}


def test_a_whiteout_leaves_what_its_own_layer_brings(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path, [entry("d/old")], [entry("d/new", b"1"), entry(".wh.d"), entry("f"), entry(".wh.f")]
    )
    assert tree(root) == {"d": "/", "d/new": "1", "f": ""}


def test_an_opaque_folder_keeps_only_its_own_layers_files(tmp_path: Path) -> None:
    below = [entry("d/a"), entry("d/sub/deep"), link("d/l", "a")]
    above = [entry("d/new", b"1"), entry("d/sub/own", b"2"), entry("d/.wh..wh..opq")]
    root = unpacked(tmp_path, below, above)
    assert tree(root) == {"d": "/", "d/new": "1", "d/sub": "/", "d/sub/own": "2"}


def test_notes_of_aufs_are_no_files(tmp_path: Path) -> None:
    root = unpacked(tmp_path, [entry(".wh..wh.plnk/1"), folder(".wh..wh.aufs"), entry("f")])
    assert tree(root) == {"f": ""}


def test_links_in_the_way_lead_inside(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path,
        [folder("usr/lib"), link("lib", "usr/lib"), link("abs", "/usr/lib"), link("up", "../../../usr/lib")],
        [entry("lib/a"), entry("abs/b"), entry("up/c"), entry("usr/../usr/lib/d")],
    )
    assert sorted(path.name for path in (root / "usr/lib").iterdir()) == ["a", "b", "c", "d"]
    assert (root / "lib").is_symlink()


def test_devices_are_left_out_and_pipes_are_made(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path,
        [entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), entry("p", type=tarfile.FIFOTYPE)],
    )
    assert not (root / "null").exists()
    assert stat.S_ISFIFO((root / "p").lstat().st_mode)


def test_layers_in_several_members_without_compression_and_of_zstd_are_read(tmp_path: Path) -> None:
    raw = tar_of([entry("a", b"1" * 5000), entry("b", b"2")])
    members = gzip.compress(raw[:3000], mtime=0) + gzip.compress(raw[3000:], mtime=0)
    for number, stored in enumerate((members, raw, zstd.compress(raw))):
        image = image_of(tmp_path / f"image{number}", [raw])
        root = tmp_path / f"root{number}"
        root.mkdir()
        unpack(replace(image, blobs=Stored(tmp_path / f"layer{number}", stored)), root)
        assert set(tree(root)) == {"a", "b"}


@pytest.mark.real
def test_a_debian_base_is_unpacked_as_umoci_does(tmp_path: Path) -> None:
    need(os.geteuid() == 0, "root, who can give files away")
    layout = base_layout("library/debian:bookworm-slim")
    run("umoci", "unpack", "--image", f"{layout}:latest", str(tmp_path / "umoci"))
    ours = tmp_path / "ours"
    ours.mkdir()
    unpack(read_layout(layout, "latest", AMD64), ours)
    theirs = _facts(tmp_path / "umoci" / "rootfs")
    assert len(theirs) > 3000
    assert _facts(ours) == theirs


def _facts(root: Path) -> dict[str, tuple[object, ...]]:
    facts: dict[str, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        status = path.lstat()
        if not stat.S_ISCHR(status.st_mode):
            content = str(path.readlink()) if path.is_symlink() else status.st_size if path.is_file() else 0
            name = str(path.relative_to(root))
            facts[name] = (oct(status.st_mode), status.st_uid, status.st_gid, status.st_nlink, content)
    return facts
