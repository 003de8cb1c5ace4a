import re
from pathlib import Path

import pytest

from ferrule.elf.files import LocalFiles
from ferrule.errors import BinaryError
from ferrule.process import Command, SystemRunner
from ferrule.verbs.inspect import BinaryReport, inspect_binary
from tests.fakes.elf import GLIBC_LOADER, Elf, library, program
from tests.fakes.trees import Content, tree
from tests.parts.need import need

LOADER: dict[str, Content] = {GLIBC_LOADER: library("ld-linux-x86-64.so.2")}


def inspect(folder: Path, data: bytes, files: dict[str, Content]) -> BinaryReport:
    (folder / "app").write_bytes(data)
    return inspect_binary(folder / "app", tree(folder / "root", files))


def test_libraries_are_told_with_their_places_and_who_wants_them(tmp_path: Path) -> None:
    files = {**LOADER, "/lib/libx.so.1": library("libx.so.1", "liby.so.2")}

    report = inspect(tmp_path, program("libx.so.1"), files)

    assert [(lib.name, lib.wanted_by, str(lib.path)) for lib in report.libraries] == [
        ("libx.so.1", "app", "/lib/libx.so.1"),
        ("liby.so.2", "libx.so.1", "None"),
    ]
    assert report.loader is not None
    assert str(report.loader.path) == GLIBC_LOADER


def test_a_program_behind_a_link_finds_libraries_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt" / "app").write_bytes(program("libx.so.1", runpath="$ORIGIN"))
    (tmp_path / "opt" / "libx.so.1").write_bytes(library("libx.so.1"))
    (tmp_path / "app").symlink_to("opt/app")

    report = inspect_binary(tmp_path / "app", LocalFiles())

    assert [lib.path and Path(lib.path) for lib in report.libraries] == [tmp_path / "opt" / "libx.so.1"]


def test_a_program_without_a_loader_that_needs_a_library_is_not_static(tmp_path: Path) -> None:
    report = inspect(tmp_path, Elf(needed=("libfoo.so",)).bytes(), {})

    assert (report.link, report.loader) == ("dynamic", None)
    assert "libfoo.so" in report.link_reason
    assert "crash" in report.link_reason


def test_a_library_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(BinaryError, match="is a shared library"):
        inspect(tmp_path, library("libx.so.1"), {})


def readelf(*arguments: str) -> str:
    return SystemRunner().run(Command(argv=("readelf", "-W", *arguments))).stdout.decode()


def test_sizes_add_up_to_the_file_and_agree_with_readelf() -> None:
    program_here = Path("/bin/ls").resolve()
    need(program_here.is_file(), "/bin/ls")
    rows = re.findall(r"\] (\.\S+) +(\S+) +\S+ \S+ (\S+)", readelf("-S", str(program_here)))
    sizes = {name: int(size, 16) for name, kind, size in rows if kind != "NOBITS"}

    report = inspect_binary(program_here, LocalFiles())

    by_content = dict(report.sizes)
    code = sum(size for name, size in sizes.items() if re.match(r"\.(text|plt|init$|fini$)", name))
    linking = sum(size for name, size in sizes.items() if re.match(r"\.(rel|dyn|gnu\.|hash|interp)", name))
    assert sizes[".text"] > 0
    assert by_content["code"] == code
    assert by_content["linking"] == linking
    assert sum(by_content.values()) == program_here.stat().st_size


def test_the_symbols_behind_the_highest_version_are_those_that_readelf_lists() -> None:
    program_here = Path("/bin/ls").resolve()
    need(program_here.is_file(), "/bin/ls")
    said = (
        SystemRunner().run(Command(argv=("readelf", "--dyn-syms", "-W", str(program_here)))).stdout.decode()
    )

    report = inspect_binary(program_here, LocalFiles())

    expected = re.findall(rf" UND (\S+)@{report.binary.glibc} ", said)
    assert expected
    assert list(report.glibc_because) == sorted(expected)
