import io
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ferrule.elf.facts import Binary, read_binary, read_elf, undefined_symbols, version_key
from ferrule.errors import BinaryError
from ferrule.process import Command, SystemRunner
from tests.elf.programs import compile_all
from tests.fakes.elf import AARCH64, ARM, GLIBC_LOADER, I386, S390X, X86_64, Elf, library, program
from tests.parts.need import need

RISCV, PPC64, LOONGARCH, MIPS, SPARC = 243, 21, 258, 8, 43


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of binaries that gcc made."""
    return compile_all(tmp_path_factory.mktemp("programs"))


def read(data: bytes) -> Binary:
    return read_elf(io.BytesIO(data), "app", len(data))


def readelf(option: str, path: Path) -> str:
    return SystemRunner().run(Command(argv=("readelf", "-W", option, str(path)))).stdout.decode()


def test_a_dynamic_program_names_its_loader_and_libraries(made: Path) -> None:
    binary = read_binary(made / "dynamic")

    assert (binary.kind, binary.relocatable, binary.is_static) == ("executable", True, False)
    assert binary.interpreter is not None
    assert Path(binary.interpreter).is_file()
    assert binary.needed == ("libc.so.6",)
    assert (binary.rpath, binary.runpath, binary.soname) == ((), (), None)


def test_static_is_what_needs_neither_loader_nor_library(made: Path) -> None:
    fixed, pie = read_binary(made / "static"), read_binary(made / "static-pie")

    assert (fixed.is_static, fixed.relocatable) == (True, False)
    assert (pie.is_static, pie.relocatable, pie.interpreter) == (True, True, None)
    assert (fixed.glibc, pie.glibc) == (None, None)
    assert not read_binary(made / "fixed").is_static


def test_search_folders_are_told_apart(made: Path) -> None:
    old, new = read_binary(made / "rpath"), read_binary(made / "runpath")

    assert (old.rpath, old.runpath) == (("/opt/a", "$ORIGIN/b"), ())
    assert (new.rpath, new.runpath) == ((), ("/opt/a", "$ORIGIN/b"))


def test_stripped_and_build_id_are_told(made: Path) -> None:
    assert read_binary(made / "stripped").stripped
    assert not read_binary(made / "dynamic").stripped
    (expected,) = re.findall(r"Build ID: (\w+)", readelf("-n", made / "dynamic"))
    assert read_binary(made / "dynamic").build_id == expected
    assert read_binary(made / "without-build-id").build_id is None


@pytest.mark.parametrize("name", ["library", "nameless-library"])
def test_a_library_is_no_program_with_a_soname_or_without(made: Path, name: str) -> None:
    with pytest.raises(BinaryError, match="is a shared library, not a program"):
        read_binary(made / name)


@pytest.mark.parametrize("name", ["ls", "git", "ssh", "perl", "gcc"])
def test_programs_of_this_machine_say_what_readelf_says(name: str) -> None:
    path = Path("/usr/bin", name).resolve()
    need(path.is_file(), str(path))
    dynamic, versions = readelf("-d", path), readelf("-V", path)

    binary = read_binary(path)

    assert list(binary.needed) == re.findall(r"\(NEEDED\) .*\[(.*)\]", dynamic)
    wanted: dict[str, set[str]] = {}
    for file, version in re.findall(r"File: (\S+)|Name: (\S+)  Flags: none", versions):
        if file:
            library_name = file
        else:
            wanted.setdefault(library_name, set()).add(version)
    assert wanted
    assert {library: set(names) for library, names in binary.versions.items()} == wanted
    with path.open("rb") as stream:
        assert undefined_symbols(stream, name) == undefined_by_readelf(path)


def undefined_by_readelf(path: Path) -> dict[str, str]:
    rows = re.findall(r" UND (\w\S*?)(?:@(\S+) \(\d+\))?$", readelf("--dyn-syms", path), re.MULTILINE)
    assert rows
    return dict(rows)


def test_the_c_library_of_this_machine_defines_what_readelf_says() -> None:
    path = next(iter(Path("/lib").glob("*-linux-gnu*/libc.so.6")), None)
    need(path, "Debian's libc.so.6")
    assert path is not None
    said = re.findall(r"Rev: 1 .* Name: (\S+)", readelf("-V", path))

    with path.open("rb") as stream:
        binary = read_elf(stream, "libc", path.stat().st_size)

    assert (binary.kind, binary.soname) == ("library", "libc.so.6")
    assert len(said) > 20
    assert list(binary.defines) == said


def test_versions_are_read_without_section_headers_as_the_loader_does() -> None:
    says: dict[str, Any] = {"versions": {"libc.so.6": {"GLIBC_2.39": "pidfd_spawnp"}}}

    assert read(program("libc.so.6", **says)).glibc == "GLIBC_2.39"
    assert read(program("libc.so.6", sections=False, **says)).glibc == "GLIBC_2.39"
    defined = library("libx.so.1", defines=("libx.so.1", "X_1.0"), sections=False)
    assert read(defined).defines == ("libx.so.1", "X_1.0")


def test_a_version_that_the_loader_forgives_is_not_needed() -> None:
    wanted = {"libc.so.6": {"GLIBC_2.34": "main", "GLIBC_2.39": "pidfd_spawnp"}}

    assert read(program("libc.so.6", versions=wanted)).glibc == "GLIBC_2.39"
    assert read(program("libc.so.6", versions=wanted, weak=("GLIBC_2.39",))).glibc == "GLIBC_2.34"


def test_versions_compare_by_number_and_private_ones_do_not_count() -> None:
    names = ("GLIBC_2.9", "GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR")
    binary = read(program("libc.so.6", versions={"libc.so.6": {name: name.lower() for name in names}}))

    assert binary.glibc == "GLIBC_2.34"
    assert version_key("GLIBC_2.39") > version_key("GLIBC_2.4") > version_key("GLIBC_2.3.4")


@pytest.mark.parametrize(
    ("machine", "bits", "order", "platform"),
    [
        (X86_64, 64, "<", "linux/amd64"),
        (I386, 32, "<", "linux/386"),
        (AARCH64, 64, "<", "linux/arm64"),
        (ARM, 32, "<", "linux/arm/v7"),
        (RISCV, 64, "<", "linux/riscv64"),
        (PPC64, 64, "<", "linux/ppc64le"),
        (S390X, 64, ">", "linux/s390x"),
        (LOONGARCH, 64, "<", "linux/loong64"),
        (MIPS, 64, "<", "linux/mips64le"),
        (SPARC, 64, ">", "linux/elf43"),
    ],
)
def test_every_processor_has_its_platform(machine: int, bits: int, order: str, platform: str) -> None:
    wanted = {"libc.so.6": {"GLIBC_2.30": "gettid"}}
    data = program("libc.so.6", machine=machine, bits=bits, order=order, versions=wanted)

    binary = read(data)

    assert str(binary.platform) == platform
    assert (binary.needed, binary.interpreter) == (("libc.so.6",), GLIBC_LOADER)
    assert binary.versions == {"libc.so.6": ("GLIBC_2.30",)}
    assert undefined_symbols(io.BytesIO(data), "app") == {"gettid": "GLIBC_2.30"}


def test_a_huge_file_is_read_by_its_headers_only(tmp_path: Path) -> None:
    place = tmp_path / "huge"
    place.write_bytes(Elf().bytes())
    os.truncate(place, 8 << 30)

    assert read_binary(place).size == 8 << 30


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), tmp_path / "missing", Path("a\0b")):
        with pytest.raises(BinaryError) as caught:
            read_binary(place)
        assert caught.value.exit_code == 3
        assert caught.value.hint
