"""Layers of a stranger never touch anything but their own folder, and never crash us."""

import contextlib
import gzip
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ferrule.engine.unpack import unpack
from ferrule.errors import ImageError
from ferrule.image.contents import Budget
from tests.engine.trees import Entry, Stored, unpacked
from tests.fakes.images import entry, folder, hard_link, image_of, link, tar_of


@pytest.mark.parametrize("name", ["../outside/x", "/../../outside/x", "a/../../../outside/x"])
def test_dots_end_at_the_root(tmp_path: Path, name: str) -> None:
    assert (unpacked(tmp_path, [entry(name, b"1")]) / "outside" / "x").read_text() == "1"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_text("ours")
    (outside / "f").chmod(0o600)
    evil = [
        link("d", str(outside)),
        entry("d/f", b"theirs", mode=0o777),
        link("f", str(outside / "f")),
        entry("f", b"theirs", mode=0o777),
        link("m", str(outside)),
        folder("m", 0o777),
        link("w", str(outside)),
    ]
    unpacked(tmp_path, evil, [entry("w/.wh.f"), entry("w/.wh..wh..opq")])
    assert [path.name for path in outside.iterdir()] == ["f"]
    assert (outside / "f").read_text() == "ours"
    assert stat.S_IMODE((outside / "f").stat().st_mode) == 0o600


@pytest.mark.parametrize("target", ["/outside/secret", "../../outside/secret", "way/secret"])
def test_a_hard_link_to_a_file_outside_is_refused(tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("ours")
    with pytest.raises(ImageError, match="cannot be unpacked: No such file"):
        unpacked(tmp_path, [link("way", str(outside)), hard_link("h", target)])


def test_a_hard_link_to_a_link_does_not_lead_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    unpacked(
        tmp_path,
        [
            folder("d"),
            entry("d/x"),
            link("l", str(outside)),
            entry(".wh.d"),
            hard_link("e", "l"),
            entry("e/x"),
        ],
    )
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ([link("a", "b"), link("b", "a"), entry("a/x")], "circle of links"),
        ([entry("d/.wh..")], "names nothing"),
        ([entry(".wh.")], "names nothing"),
        ([entry("d/.wh...")], "names nothing"),
        ([entry(".", b"")], "replaces the root"),
        ([link("./", "/etc")], "replaces the root"),
        ([entry("f"), entry("f/x")], "Not a directory|File exists"),
        ([entry("/".join(["d"] * 300))], "nested"),
        ([entry("n" * 300)], "name too long"),
        ([entry("x", pax_headers={"mtime": "nan"})], "not a number"),
        ([entry("x", type=tarfile.GNUTYPE_SPARSE)], "sparse"),
        ([entry("x", pax_headers={"comment": "c" * (2 << 20)})], "header in it is too long"),
    ],
)
def test_layers_that_cannot_be_are_refused(tmp_path: Path, layer: list[Entry], reason: str) -> None:
    with pytest.raises(ImageError, match=f"(?i){reason}"):
        unpacked(tmp_path, layer)


def test_a_layer_that_is_not_the_configurations_is_refused(tmp_path: Path) -> None:
    image = image_of(tmp_path / "one", [tar_of([entry("x", b"1")])])
    other = image_of(tmp_path / "two", [tar_of([entry("x", b"2")])])
    swapped = replace(image, manifest=other.manifest, blobs=other.blobs)
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(ImageError, match="not what the image's configuration says"):
        unpack(swapped, root)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda packed: packed[: len(packed) // 2], "compression ends before its content does|cut short"),
        (lambda packed: packed[:-3], "compression ends before its content does"),
        (lambda packed: packed + b"more", "compression is damaged"),
        (lambda packed: packed[:20] + b"\xff" * 20 + packed[40:], "compression is damaged"),
        (lambda packed: b"", "not what|empty|cut short"),
    ],
)
def test_damaged_compression_is_refused(
    tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    raw = tar_of([entry("a", bytes(range(256)) * 20)])
    image = image_of(tmp_path / "image", [raw])
    stored = Stored(tmp_path / "layer", damage(gzip.compress(raw, mtime=0)))
    (tmp_path / "root").mkdir()
    with pytest.raises(ImageError, match=f"(?i){reason}"):
        unpack(replace(image, blobs=stored), tmp_path / "root")


def test_more_layers_than_the_configuration_names_are_refused(tmp_path: Path) -> None:
    one = image_of(tmp_path / "one", [tar_of([entry("x")])])
    two = image_of(tmp_path / "two", [tar_of([entry("x")]), tar_of([entry("y")])])
    with pytest.raises(ImageError, match="2 layers, and its configuration 1"):
        unpack(replace(two, config=one.config), tmp_path)


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(members=4), "it brings the files to more than 4"),
        (Budget(names=400), "the names are too long, all together"),
    ],
)
def test_layers_that_would_fill_the_disk_with_names_are_refused_as_soon_as_they_do(
    tmp_path: Path, budget: Budget, reason: str
) -> None:
    one, two = ([entry(f"{layer}{number}") for number in range(3)] for layer in "ab")
    image = image_of(tmp_path / "image", [tar_of(one), tar_of([*two, entry("never")])])
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(ImageError, match=reason):
        unpack(image, root, budget)
    assert (root / "a2").exists()
    assert not (root / "never").exists()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_damaged_layers_are_refused_and_never_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = tmp_path_factory.mktemp("damaged")
    whole = bytearray(
        tar_of([folder("d"), entry("d/f", b"1" * 600), link("l", "d"), entry("l/g", pax_headers={"a": "b"})])
    )
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    image = image_of(place / "image", [bytes(whole[: data.draw(st.integers(0, len(whole)))])])
    root = place / "root"
    root.mkdir()
    with contextlib.suppress(ImageError):
        unpack(image, root)
    assert sorted(path.name for path in place.iterdir()) == ["image", "root"]
