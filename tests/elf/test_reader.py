"""The tables of ELF files against readelf, for every class and byte order, and what is refused in them."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ferrule.elf.facts import Binary, read_elf, undefined_symbols
from ferrule.elf.reader import MAX_ROWS
from ferrule.errors import BinaryError
from tests.elf.readelf import said_by_readelf, said_by_us
from tests.fakes.elf import I386, S390X, X86_64, Elf, library, program
from tests.fakes.rows import PT_DYNAMIC, PT_LOAD, PT_NOTE, header, section, segment
from tests.parts.need import need

MIPS = 8
KINDS = ((X86_64, 64, "<"), (S390X, 64, ">"), (I386, 32, "<"), (MIPS, 32, ">"))
WANTED = {
    "libc.so.6": {"GLIBC_2.34": "main", "GLIBC_2.39": "pidfd_spawnp"},
    "libm.so.6": {"GLIBC_2.29": "exp"},
}
STRTAB, DYNSYM, HASH, VERSYM = 3, 11, 5, 0x6FFFFFFF
PLACES = ("/usr/bin", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")


def read(data: bytes) -> Binary:
    return read_elf(io.BytesIO(data), "app", len(data))


def written(folder: Path, data: bytes) -> Path:
    place = folder / "app"
    place.write_bytes(data)
    return place


def changed(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    """The same file with other numbers at an offset."""
    out = bytearray(data)
    struct.pack_into(layout, out, offset, *values)
    return bytes(out)


def binaries_here() -> Iterator[Path]:
    """The programs and libraries of this machine's system."""
    for place in map(Path, PLACES):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    start = stream.read(18)
                if start[:4] == b"\x7fELF" and start[16] in (2, 3):
                    yield path


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.acceptance)])
def test_files_of_this_machine_are_what_readelf_says(count: int) -> None:
    paths = tuple(binaries_here())
    need(len(paths) > 150, "a system with programs and libraries")
    for path in paths[:: max(1, len(paths) // count)]:
        assert (path, said_by_us(path)) == (path, said_by_readelf(path))


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize(("machine", "bits", "order"), KINDS)
def test_every_class_and_byte_order_is_what_readelf_says(
    tmp_path: Path, machine: int, bits: int, order: str, *, extended: bool
) -> None:
    says: dict[str, Any] = {"machine": machine, "bits": bits, "order": order, "extended": extended}
    data = program("libc.so.6", "libm.so.6", versions=WANTED, runpath="/opt/a:$ORIGIN/b", **says)
    place = written(tmp_path, data)

    facts = said_by_us(place)
    assert facts == said_by_readelf(place)
    assert len(facts["sections"]) == 8
    assert undefined_symbols(io.BytesIO(data), "app") == {
        symbol: version for versions in WANTED.values() for version, symbol in versions.items()
    }

    place = written(
        tmp_path, library("libx.so.1", "libc.so.6", rpath="/opt", defines=("libx.so.1", "X_1"), **says)
    )
    facts = said_by_us(place)
    assert facts == said_by_readelf(place)
    assert (facts["soname"], facts["defines"]) == ("libx.so.1", ["libx.so.1", "X_1"])


@pytest.mark.parametrize(("machine", "bits", "order"), KINDS)
def test_without_section_headers_the_loader_s_facts_are_the_same(machine: int, bits: int, order: str) -> None:
    says: dict[str, Any] = {"machine": machine, "bits": bits, "order": order, "versions": WANTED}
    whole = read(program("libc.so.6", **says))
    stripped = read(program("libc.so.6", sections=False, **says))

    assert (stripped.needed, stripped.interpreter) == (whole.needed, whole.interpreter)
    assert stripped.versions == whole.versions == {name: tuple(WANTED[name]) for name in WANTED}
    assert stripped.sections == ()


def test_a_header_without_tables_is_read() -> None:
    binary = read(header())

    assert (binary.is_static, binary.sections, binary.needed) == (True, (), ())


def test_sections_without_names_are_read() -> None:
    assert [found.name for found in read(header(0, 2, 0) + bytes(64) + section(7, 1, 0, 64)).sections] == [
        "",
        "",
    ]


def note(owner: bytes, kind: int, content: bytes, *, align: int) -> bytes:
    start = struct.pack("<III", len(owner), len(content), kind) + owner
    start += bytes(-len(start) % align) + content
    return start + bytes(-len(start) % align)


@pytest.mark.parametrize("align", [1, 4, 8])
def test_the_build_id_is_found_among_other_notes(align: int) -> None:
    step = 8 if align == 8 else 4
    notes = note(b"GNU\0", 5, b"\x01" * 9, align=step) + note(b"Go\0\0", 3, b"other", align=step)
    notes += note(b"GNU\0", 3, bytes.fromhex("00ff17"), align=step) + note(b"GNU\0", 3, b"second", align=step)

    assert read(header(1) + segment(PT_NOTE, 120, len(notes), align=align) + notes).build_id == "00ff17"


def test_hash_tables_are_not_read_whatever_they_say() -> None:
    names = b"\0.hash\0".ljust(8, b"\0")
    at = 64 + 3 * 64
    content = struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF)
    table = bytes(64) + section(1, HASH, at + 8, len(content)) + section(0, STRTAB, at, len(names))

    assert [found.name for found in read(header(0, 3, 2) + table + names + content).sections] == [
        "",
        ".hash",
        "",
    ]


def loaded(*tags: tuple[int, int]) -> bytes:
    """A program with these tags, and behind them strings: `a` at 1, and a byte of no encoding at 3."""
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    start = 64 + 2 * 56
    size = start + len(dynamic) + 8
    strings = b"\0a\0\xff\0\0\0\0"
    return (
        header(2) + segment(PT_LOAD, 0, size) + segment(PT_DYNAMIC, start, len(dynamic)) + dynamic + strings
    )


STRINGS = 64 + 2 * 56 + 3 * 16
PROGRAM = program("libc.so.6", versions=WANTED)
EXTENDED = program("libc.so.6", extended=True)
SECTIONS_AT = struct.unpack_from("<Q", EXTENDED, 40)[0]


def test_strings_are_found_by_their_address() -> None:
    assert read(loaded((1, 1), (5, STRINGS), (0, 0))).needed == ("a",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(loaded((1, 1), (0, 0), (5, STRINGS)), "make no sense", id="texts, but no table of them"),
        pytest.param(loaded((1, 3), (5, STRINGS), (0, 0)), "make no sense", id="a name in no encoding"),
        pytest.param(loaded((1, 99), (5, STRINGS), (0, 0)), "make no sense", id="a name behind the file"),
        pytest.param(loaded((1, 1), (5, STRINGS), (1, 1)), "make no sense", id="tags without an end"),
        pytest.param(
            loaded((1, 1), (5, 1 << 40), (0, 0)), "point outside", id="an address that is not loaded"
        ),
        pytest.param(changed(PROGRAM, 54, "<H", 32), "make no sense", id="program headers of another size"),
        pytest.param(changed(PROGRAM, 58, "<H", 40), "make no sense", id="section headers of another size"),
        pytest.param(
            changed(PROGRAM, 62, "<H", 8), "make no sense", id="names in a section that is not there"
        ),
        pytest.param(header(0, 1, 0) + section(0, 1, 0, 0), "make no sense", id="a section 0 with content"),
        pytest.param(changed(EXTENDED, SECTIONS_AT + 40, "<I", 8), "make no sense", id="names too far"),
        pytest.param(
            changed(EXTENDED, SECTIONS_AT + 32, "<Q", 1 << 32), "cut short", id="billions of sections"
        ),
        pytest.param(
            changed(EXTENDED, SECTIONS_AT + 44, "<I", 1 << 31), "cut short", id="billions of segments"
        ),
        pytest.param(changed(header(), 40, "<Q", 1 << 63), "point outside", id="a section 0 far away"),
        pytest.param(changed(header(), 40, "<Q", 64), "cut short", id="no section 0 to hold the numbers"),
        pytest.param(
            header(1) + segment(PT_NOTE, 200, 1 << 40), "cut short", id="a segment that is not there"
        ),
        pytest.param(header(1) + segment(PT_NOTE, 200, 1 << 62), "point outside", id="a segment of exabytes"),
        pytest.param(
            header(1) + segment(PT_NOTE, 120, 12) + struct.pack("<III", 4, 4, 3),
            "point outside",
            id="a note longer than its segment",
        ),
    ],
)
def test_numbers_that_lie_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(BinaryError, match=f"app is .*{why}") as caught:
        read(data)

    assert caught.value.hint


def test_more_headers_than_any_linker_writes_are_refused_before_they_are_read() -> None:
    count = MAX_ROWS + 1
    table = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, count, 0, 0, 0, 0) + bytes(64 * (count - 1))

    with pytest.raises(BinaryError, match="make no sense"):
        read(changed(header() + table, 40, "<Q", 64))


def symbols(*names: int, link: int = 2, versions: bytes = b"") -> bytes:
    """A file with a symbol table alone: an undefined symbol for each offset of a name in `\\0main\\0`."""
    strings = b"\0main\0\0\0"
    table = bytes(24) + b"".join(struct.pack("<IBBHQQ", name, 0x12, 0, 0, 0, 0) for name in names)
    at = 64 + 4 * 64
    rows = bytes(64) + section(0, DYNSYM, at, len(table), link=link) + section(0, STRTAB, at + len(table), 8)
    rows += section(0, VERSYM, at + len(table) + 8, len(versions))
    return header(0, 4) + rows + table + strings + versions


def test_symbols_beyond_their_versions_have_none() -> None:
    assert undefined_symbols(io.BytesIO(symbols(1, versions=b"\0\0\2")), "app") == {"main": ""}


@pytest.mark.parametrize("data", [symbols(1, link=9), symbols(99)])
def test_symbols_whose_names_are_not_there_are_refused(data: bytes) -> None:
    with pytest.raises(BinaryError, match="app is damaged"):
        undefined_symbols(io.BytesIO(data), "app")


def test_a_file_that_shrinks_while_it_is_read_is_cut_short() -> None:
    whole = Elf(needed=("libc.so.6",)).bytes()

    with pytest.raises(BinaryError, match="app is cut short"):
        read_elf(io.BytesIO(whole[:100]), "app", len(whole))
