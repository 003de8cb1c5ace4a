"""Files made to mislead: nothing but `BinaryError` comes out, soon, and without filling the memory."""

import io
import resource
import struct
import time
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferrule.elf.closure import closure
from ferrule.elf.facts import Binary, read_elf, undefined_symbols
from ferrule.elf.files import LocalFiles
from ferrule.elf.search import loader_folders
from ferrule.errors import BinaryError
from tests.elf.programs import compile_all
from tests.fakes.elf import GLIBC_LOADER, S390X, Elf, program
from tests.fakes.rows import PT_DYNAMIC, PT_LOAD, PT_NOTE, header, section, segment
from tests.fakes.trees import tree

SECONDS = 20.0
"""Of the processor, as others may keep it busy. Far more than they take; without limits they take hours."""

WANTED = {"libc.so.6": {"GLIBC_2.34": "main", "GLIBC_2.39": "pidfd_spawnp"}}
FILLED = b"A" * (4 << 20)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ...]:
    """A dynamic program, a library, and hand-made ones for wide, narrow and big-endian machines."""
    folder = compile_all(tmp_path_factory.mktemp("programs"))
    return (
        (folder / "stripped").read_bytes(),
        (folder / "library").read_bytes(),
        program("libc.so.6", versions=WANTED),
        program("libc.so.6", versions=WANTED, machine=3, bits=32),
        program("libc.so.6", versions=WANTED, machine=S390X, order=">"),
    )


def read(data: bytes) -> None:
    """Read all that ferrule ever reads of a binary; a refusal is a good answer."""
    try:
        take(data)
        undefined_symbols(io.BytesIO(data), "app")
    except BinaryError as error:
        assert "app" in error.message
        assert "\n" not in error.message


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    which=st.integers(0, 4),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
    at_headers=st.booleans(),
)
def test_a_damaged_file_is_read_or_refused(
    real: tuple[bytes, ...],
    which: int,
    changes: list[tuple[float, bytes]],
    keep: float,
    *,
    at_headers: bool,
) -> None:
    data = bytearray(real[which])
    reach = min(len(data), 1024) if at_headers else len(data)
    for place, content in changes:
        start = int(place * (reach - len(content)))
        data[start : start + len(content)] = content
    read(bytes(data[: int(keep * len(data))]))


@pytest.mark.parametrize("number", range(5))
def test_a_cut_program_is_refused(real: tuple[bytes, ...], number: int) -> None:
    whole = real[number]
    for keep in (0, 3, 20, 60, 100, len(whole) // 2, len(whole) - 1):
        with pytest.raises(BinaryError):
            read_elf(io.BytesIO(whole[:keep]), "app", keep)


def names_without_an_end(count: int = 20_000) -> bytes:
    """Libraries whose names are four megabytes each."""
    start = 64 + 2 * 56
    size = 16 * (count + 3)
    tags = struct.pack("<QQQQ", 5, start + size, 10, len(FILLED)) + struct.pack("<QQ", 1, 1) * count
    segments = segment(PT_LOAD, 0, start + size + len(FILLED)) + segment(PT_DYNAMIC, start, size)
    return header(2) + segments + tags + bytes(16) + FILLED


def section_names_without_an_end(count: int = 20_000) -> bytes:
    names = section(0, 3, 64 + 64 * count, len(FILLED))
    return header(0, count, 1) + bytes(64) + names + section(5, 1, 0, 0) * (count - 2) + FILLED


def section_names_upon_names(count: int = 60_000) -> bytes:
    """Every section has the same four kilobytes for its name."""
    names = b"\0" + b"A" * 4090 + b"\0"
    table = section(1, 3, 64 + 64 * count, len(names)) + section(1, 1, 0, 0) * (count - 2)
    return header(0, count, 1) + bytes(64) + table + names


def notes_upon_notes(count: int = 20_000) -> bytes:
    """Every segment has the same megabyte of empty notes."""
    return header(count) + segment(PT_NOTE, 64 + 56 * count, 1 << 20) * count + bytes(1 << 20)


def versions_without_an_end() -> bytes:
    """65,535 libraries with 65,535 versions each, all of them the same few bytes, and none with a name."""
    start, nothing = 64 + 2 * 56, 9
    tags = ((5, nothing), (10, 1), (0x6FFFFFFE, start + 112), (0x6FFFFFFF, 1 << 40), (0, 0))
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags).ljust(112, b"\0")
    record = struct.pack("<HHIII", 1, 65535, 0, 0, 16)
    size = len(dynamic) + 65535 * len(record)
    segments = segment(PT_LOAD, 0, start + size) + segment(PT_DYNAMIC, start, len(dynamic))
    return header(2) + segments + dynamic + record * 65535


def a_symbol_table_of_exabytes() -> bytes:
    names = b"\0.dynsym\0"
    at = 64 + 3 * 64
    table = section(0, 0, 0, 0) + section(1, 11, at, 1 << 62, link=2) + section(0, 3, at, len(names))
    return header(0, 3, 2) + table + names


@pytest.mark.parametrize(
    "make",
    [
        names_without_an_end,
        section_names_without_an_end,
        section_names_upon_names,
        notes_upon_notes,
        versions_without_an_end,
        a_symbol_table_of_exabytes,
    ],
)
def test_headers_that_lead_in_circles_come_to_an_end(make: object) -> None:
    assert callable(make)
    data = make()
    started, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(BinaryError, match="app is damaged"):
        read_elf(io.BytesIO(data), "app", len(data))

    assert time.process_time() - started < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


@pytest.mark.parametrize(
    "says",
    [
        {"needed": ("lib\x1b[31m.so",)},
        {"needed": ("lib\n.so",)},
        {"interpreter": "/lib/\x07ld.so"},
        {"runpath": "/opt:\r/lib"},
        {"needed": ("libc.so.6",), "versions": {"libc.so.6": {"GLIBC_2.34\x1b": "main"}}},
    ],
)
def test_names_that_a_terminal_would_obey_are_refused(says: dict[str, Any]) -> None:
    with pytest.raises(BinaryError, match="app is damaged"):
        take(Elf(**says).bytes())


def test_symbols_that_a_terminal_would_obey_are_refused() -> None:
    data = program("libc.so.6", versions={"libc.so.6": {"GLIBC_2.34": "ma\x1b[2Jin"}})

    with pytest.raises(BinaryError, match="app is damaged"):
        undefined_symbols(io.BytesIO(data), "app")


def test_a_search_without_an_end_is_given_up(tmp_path: Path) -> None:
    folders = ":".join(f"/x{number}" for number in range(500))
    binary = take(program(*(f"lib{number}.so" for number in range(5000)), runpath=folders))
    started = time.process_time()

    with pytest.raises(BinaryError, match="more libraries and folders than can be searched"):
        closure(binary, LocalFiles(tmp_path), origin=PurePosixPath("/app"))

    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("row", [b"/lib", b"/a", b"/lib/\0/lib", b"/" + b"a" * 127])
def test_a_loader_that_is_nothing_but_folders_is_searched_to_its_end(tmp_path: Path, row: bytes) -> None:
    files = tree(tmp_path, {GLIBC_LOADER: row * ((1 << 20) // len(row))})
    started = time.process_time()

    loader_folders(GLIBC_LOADER, take(program()).machine, files)

    assert time.process_time() - started < SECONDS


def take(data: bytes) -> Binary:
    return read_elf(io.BytesIO(data), "app", len(data))


def test_the_largest_program_here_is_far_from_the_limits() -> None:
    """The limits are for files that lie: one that does not must never meet them."""
    programs = (path for path in Path("/usr/bin").iterdir() if path.is_file() and not path.is_symlink())
    largest = max(filter(is_elf, programs), key=lambda path: path.stat().st_size)
    started = time.process_time()
    with largest.open("rb") as stream:
        assert read_elf(stream, str(largest), largest.stat().st_size).sections
    assert time.process_time() - started < SECONDS / 4


def is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"
