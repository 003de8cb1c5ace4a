"""Layers made to mislead are refused in one line, odd ones are read; soon, and in little memory."""

import gzip
import json
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.cli.measure import MOST_BYTES, MOST_SECONDS, Measured, ferrule_measured, refused
from tests.fakes.images import entry, folder, hard_link, link, tar_of
from tests.fakes.layouts import Layout, digest_of, header

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

END = bytes(1024)
SIZE = b"00000000000\0"
MEBIBYTE = 1 << 20


def headers(names: Iterable[str], kind: bytes = b"0") -> bytes:
    """Entries without content; a template is much faster than tarfile."""
    return b"".join(header(name.encode(), SIZE, kind) for name in names) + END


def pax(records: bytes, *, size: bytes | None = None) -> bytes:
    padded = records + bytes(-len(records) % 512)
    return header(b"pax", size or b"%011o\0" % len(records), b"x") + padded


def record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while len(b"%d" % length) + len(key) + len(value) + 3 != length:
        length = len(b"%d" % length) + len(key) + len(value) + 3
    return b"%d %s=%s\n" % (length, key, value)


def long_names(count: int, letter: str, bytes_each: int, **fields: bytes) -> bytes:
    """Members whose names are as long as they may be, and all different."""
    text = (letter * (bytes_each // len(letter.encode()))).encode()
    whole = b"".join(
        pax(record(b"path", b"%07d/" % number + text[: bytes_each - 8])) + header(b"x", SIZE, **fields)
        for number in range(count)
    )
    return whole + END


def gzip_bomb() -> bytes:
    """10 GiB of zeros: a gzip file may have many members."""
    return gzip.compress(bytes(16 * MEBIBYTE), 9) * 640


def zstd_bomb() -> bytes:
    return zstd.compress(bytes(64 * MEBIBYTE)) * 160


def wide_zstd() -> bytes:
    """A frame that wants 2 GiB of memory before it says anything."""
    options = {
        zstd.CompressionParameter.window_log: 31,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    packer = zstd.ZstdCompressor(options={int(key): value for key, value in options.items()})
    return packer.compress(tar_of([entry("a", b"a" * 100)])) + packer.flush()


def link_maze(links: int, uses: int) -> bytes:
    """Every link leads to the next one; each name then is looked up through all of them."""
    chain = [link(f"l{number}", f"l{number + 1}/") for number in range(links)]
    return tar_of([*chain, *(folder(f"l0/{number}/x") for number in range(uses))])


def deep_links(count: int) -> bytes:
    """Links to deep folders that are not there, each found through the one before."""
    steps = "/".join(["d" * 15] * 250)
    entries = []
    path = ""
    for _ in range(count):
        entries.append(link(f"{path}l", steps))
        path = f"{path}l/"
    return tar_of([*entries, entry(f"{path}x")])


def changing_links(count: int) -> bytes:
    """After each link everything has to be looked up again."""
    pairs = (
        (link("a", f"b{number}"), *(entry(f"a/{other}/x") for other in range(20))) for number in range(count)
    )
    return tar_of([each for pair in pairs for each in pair])


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "random bytes": (lambda: bytes(range(256)) * 8, "header in it is damaged, or it is no tar"),
    "nothing": (lambda: b"", "it is empty"),
    "cut in a header": (lambda: tar_of([entry("a", b"a" * 600)])[:300], "it is cut short"),
    "cut in a file": (lambda: tar_of([entry("a", b"a" * 600)])[:700], "it is cut short"),
    "cut gzip": (lambda: gzip.compress(tar_of([entry("a", b"a" * 600)]))[:-9], "ends before its content"),
    "cut zstd": (lambda: zstd.compress(tar_of([entry("a", b"a" * 600)]))[:-5], "ends before its content"),
    "xz": (lambda: b"\xfd7zXZ\0" + bytes(600), "no tar"),
    "climbing name": (lambda: tar_of([entry("../../etc/passwd")]), "climbs out of the root"),
    "climbing in the middle": (lambda: tar_of([entry("a/../../b")]), "climbs out of the root"),
    "climbing absolute name": (lambda: tar_of([entry("/../x")]), "climbs out of the root"),
    "climbing hard link": (lambda: tar_of([hard_link("a", "../../etc/shadow")]), "climbs out of the root"),
    "whiteout of the parent": (lambda: tar_of([entry("d/.wh...")]), ".wh... names nothing"),
    "whiteout of the folder": (lambda: tar_of([entry("d/.wh..")]), ".wh.. names nothing"),
    "whiteout of nothing": (lambda: tar_of([entry(".wh.")]), ".wh. names nothing"),
    "no folder as root": (lambda: tar_of([link("./", "/etc")]), "replaces the root"),
    "sparse file of old GNU": (lambda: tar_of([entry("a", type=tarfile.GNUTYPE_SPARSE)]), "sparse file"),
    "sparse file of pax": (
        lambda: tar_of([entry("a", pax_headers={"GNU.sparse.realsize": "9" * 12})]),
        "sparse file",
    ),
    "unknown type": (lambda: header(b"a", SIZE, b"Z") + END, "an entry of the type"),
    "size of 2^63": (lambda: header(b"a", b"\x80\0\0\0\x80" + bytes(7)) + END, "beyond all bounds"),
    "size below zero": (lambda: header(b"a", b"\xff" * 12) + END, "below zero"),
    "size of 8 EiB": (lambda: header(b"a", b"\x80\0\0\0\x7f" + b"\xff" * 7) + END, "cut short"),
    "size beyond the file": (lambda: header(b"a", b"77777777777\0") + END, "cut short"),
    "size of 20 digits": (lambda: pax(record(b"size", b"9" * 20)) + header(b"a", SIZE) + END, "says size"),
    "size of 19 digits": (lambda: pax(record(b"size", b"9" * 19)) + header(b"a", SIZE) + END, "cut short"),
    "size that is no number": (lambda: header(b"a", b"0x10\0") + END, "has the size"),
    "folder with content": (
        lambda: header(b"a/", b"%011o\0" % 512) + bytes(512) + END,
        "readers do not agree",
    ),
    "global names": (
        lambda: header(b"g", b"%011o\0" % 9, b"g") + record(b"path", b"x").ljust(512, b"\0") + END,
        "of all files that follow",
    ),
    "long extended header": (lambda: pax(b"", size=b"77777777777\0") + END, "is too long"),
    "extended header of 2 MiB": (
        lambda: tar_of([entry("a", pax_headers={"comment": "c" * (2 << 20)})]),
        "is too long",
    ),
    "extended header last": (lambda: pax(record(b"path", b"a")) + END, "ends behind an extended header"),
    "very long name": (lambda: tar_of([entry("n" * 5000)]), "longer than 4096"),
    "very long link": (lambda: tar_of([link("a", "n" * 5000)]), "longer than 4096"),
    "deep folders": (lambda: tar_of([entry("/".join(["d"] * 300))]), "nested more than 200 deep"),
    "file as a folder": (lambda: tar_of([entry("f"), entry("f/x")]), "'f' is no folder"),
    "gzip bomb": (gzip_bomb, "the image unpacks to more than 200 times its size"),
    "zstd bomb": (zstd_bomb, "the image unpacks to more than 200 times its size"),
    "zstd window": (wide_zstd, "too much memory"),
    "empty gzip members": (lambda: gzip.compress(b"") * 300_000, "it is empty"),
    "folder through links in a circle": (
        lambda: tar_of([link("a", "b"), link("b", "a"), entry("a/x")]),
        "'a' is no folder",
    ),
    "400,100 files": (
        lambda: gzip.compress(headers(f"{number}" for number in range(400_100)), 1),
        "to more than 400000",
    ),
    "long names": (lambda: gzip.compress(long_names(30_000, "n", 4000), 1), "names are too long"),
    "long wide names": (lambda: gzip.compress(long_names(30_000, "😀", 4000), 1), "names are too long"),
    "deep links": (lambda: deep_links(30), "deep"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_layer_that_cannot_be_is_one_line_soon_and_in_little_memory(tmp_path: Path, name: str) -> None:
    make, says = BAD[name]
    place = tmp_path / "place"
    layout = Layout(place / "layout")
    layout.offer(layout.image(make()))
    before = sorted(place.rglob("*"))

    done = ferrule_measured("inspect", "oci:layout", place=place)

    *progress, error, hint = done.err.splitlines()
    assert error.startswith("error: layer sha256:")
    assert says in error
    assert hint.startswith("hint: ")
    assert all(line.startswith("reading oci:layout (") for line in progress)
    assert (done.code, done.out) == (6, "")
    assert sorted(place.rglob("*")) == before
    assert done.seconds <= MOST_SECONDS
    assert done.peak <= MOST_BYTES


def file_bomb() -> bytes:
    """A file of 7 GiB of zeros, and more of them behind it."""
    return gzip.compress(header(b"a", b"%011o\0" % (7 << 30)), 9) + gzip_bomb()


@pytest.mark.parametrize("make", [gzip_bomb, file_bomb])
def test_a_bomb_does_not_run_in_the_sandbox_and_leaves_nothing_on_the_disk(
    place: Path, make: Callable[[], bytes]
) -> None:
    layout = Layout(place / "layout")
    layout.offer(layout.image(make()))
    says = "cannot be unpacked: with it the image unpacks to more than 200 times its size"
    refused(place, (125,), says, "run", "oci:layout", "--engine", "sandbox")


GOOD: dict[str, Callable[[], list[bytes]]] = {
    "no layers": list,
    "an empty layer": lambda: [END],
    "300 layers": lambda: [tar_of([entry(f"{number}", b"x")]) for number in range(300)],
    "gzip in parts": lambda: [
        gzip.compress(tar_of([entry("a", b"a" * 5000)])[:3000])
        + gzip.compress(tar_of([entry("a", b"a" * 5000)])[3000:])
    ],
    "zstd": lambda: [zstd.compress(tar_of([entry("a", b"a" * 5000)]))],
    "duplicates": lambda: [tar_of([entry("a", b"1"), entry("a", b"22"), folder("d"), folder("d")])],
    "devices and pipes": lambda: [
        tar_of([entry("null", type=tarfile.CHRTYPE), entry("sda", type=tarfile.BLKTYPE)]),
        tar_of([entry("pipe", type=tarfile.FIFOTYPE)]),
    ],
    "absolute names": lambda: [tar_of([entry("/etc/passwd", b"root"), entry("//a/./b/../c")])],
    "names of no encoding": lambda: [header(b"\xff\xfe\x1b[2J", SIZE) + END],
    "links in a circle": lambda: [tar_of([link("a", "b"), link("b", "a"), link("c", "../../..")])],
    "a link maze": lambda: [link_maze(39, 2000)],
    "a chain of links": lambda: [tar_of([link(f"l{n}", f"l{n + 1}/") for n in range(5000)])],
    "deep folders": lambda: [tar_of([entry("/".join(["d"] * 200))])],
    "links that change": lambda: [changing_links(300)],
    "100,000 folders": lambda: [gzip.compress(headers((f"{n}/" for n in range(100_000)), b"5"), 1)],
}


@pytest.mark.parametrize("name", GOOD)
def test_an_odd_layer_is_read(tmp_path: Path, name: str) -> None:
    done = inspected(tmp_path, GOOD[name](), "--files")

    assert done.out.startswith("drwxr-xr-x  0:0            /\n")
    assert "\x1b" not in done.out


def test_what_is_hidden_of_many_files_is_said_in_little_memory(tmp_path: Path) -> None:
    layer = gzip.compress(headers(f"{number % 997}/{number}" for number in range(120_000)), 1)

    done = inspected(tmp_path, [layer, layer], "--json", "--files")

    assert len(json.loads(done.out)["hidden"]["files"]) == 120_000


def inspected(place: Path, layers: list[bytes], *flags: str) -> Measured:
    layout = Layout(place / "place" / "layout")
    plain = tuple(digest_of(unpacked(layer)) for layer in layers)
    layout.offer(layout.image(*layers, diff_ids=plain))
    done = ferrule_measured("inspect", "oci:layout", *flags, place=place / "place")
    assert done.code == 0, done.err
    assert done.seconds <= MOST_SECONDS
    assert done.peak <= MOST_BYTES
    return done


def unpacked(layer: bytes) -> bytes:
    if layer.startswith(b"\x1f\x8b"):
        return gzip.decompress(layer)
    return zstd.decompress(layer) if layer.startswith(b"\x28\xb5\x2f\xfd") else layer
