"""Our memory functions, compiled as they are for images: every size, alignment and end of memory is tried."""

import shutil
from pathlib import Path

import pytest

from ferrule.cargo.mimalloc import MEMCPY, MEMCPY_FLAGS
from tests.journey.ferrule import tool
from tests.parts.need import need

CHECK = Path(__file__).with_name("check_memcpy.c")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
pytestmark = pytest.mark.real


def compiled(prefix: str, place: Path) -> Path:
    """The object that goes into a library, by Debian's gcc of this prefix."""
    for name in ("gcc", "objcopy"):
        need(shutil.which(f"{prefix}{name}"), f"{prefix}{name}")
    tool(f"{prefix}gcc", *MEMCPY_FLAGS, *WARNINGS, "-c", MEMCPY, "-o", place / "memcpy.o")
    return place / "memcpy.o"


@pytest.mark.parametrize(
    ("prefix", "emulator", "apart"),
    [("", (), "1"), ("aarch64-linux-gnu-", ("qemu-aarch64-static",), "5")],
    ids=["here", "arm64"],
)
def test_they_do_what_they_should_and_touch_nothing_else(
    tmp_path: Path, prefix: str, emulator: tuple[str, ...], apart: str
) -> None:
    need(all(map(shutil.which, emulator)), " ".join(emulator))
    ours = compiled(prefix, tmp_path)
    tool(f"{prefix}objcopy", "--prefix-symbols=our_", ours)
    flags = ("-O2", "-fno-builtin", "-static", *WARNINGS)
    tool(f"{prefix}gcc", *flags, CHECK, ours, "-o", tmp_path / "check")
    said = tool(*emulator, tmp_path / "check", apart)
    assert int(said.removesuffix(" checks")) > 5_000_000


@pytest.mark.parametrize(
    ("prefix", "names"),
    [("x86_64-linux-gnu-", "bcmp memcmp memcpy memmove"), ("aarch64-linux-gnu-", "bcmp memcmp memmove")],
    ids=["amd64", "arm64"],
)
def test_they_give_way_to_a_program_s_own_and_ask_for_nothing(
    tmp_path: Path, prefix: str, names: str
) -> None:
    ours = compiled(prefix, tmp_path)
    listed = [line.split()[-2:] for line in tool(f"{prefix}nm", ours).splitlines()]
    assert [name for kind, name in listed if kind not in "rt"] == names.split()
    assert {kind for kind, name in listed if name in names.split()} == {"W"}
    assert ".rela.text" not in tool(f"{prefix}readelf", "--sections", "--wide", ours)


def test_where_they_lie_does_not_show(tmp_path: Path) -> None:
    place = tmp_path / "another" / "and longer"
    place.mkdir(parents=True)
    elsewhere = shutil.copy(MEMCPY, place)
    mapped = f"-ffile-prefix-map={place.parent}=/memcpy"
    tool("gcc", *MEMCPY_FLAGS, mapped, "-c", elsewhere, "-o", tmp_path / "other.o")
    assert (tmp_path / "other.o").read_bytes() == compiled("", tmp_path).read_bytes()
