import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ferrule
from tests.fakes.elf import AARCH64, ARM, I386, S390X, Elf, program
from tests.parts.need import need

ARM64_LOADER = "/lib/ld-linux-aarch64.so.1"


def shop(**says: Any) -> bytes:
    """A program for arm64 that wants two libraries that no machine has."""
    return program(
        "libshop.so.1",
        "libc-of-nobody.so.6",
        machine=AARCH64,
        interpreter="/nowhere/ld-linux-aarch64.so.1",
        versions={"libc-of-nobody.so.6": {"GLIBC_2.17": "read", "GLIBC_2.39": "pidfd_spawnp"}},
        **says,
    )


SCREEN = """\
     file  shop
 platform  linux/arm64 (AArch64, 64-bit, little endian)
     link  dynamic: PT_INTERP names a loader
   loader  /nowhere/ld-linux-aarch64.so.1, not found here
libraries  libshop.so.1         not found here
           libc-of-nobody.so.6  not found here
    glibc  GLIBC_2.39 or newer: pidfd_spawnp
     size  1,256 bytes
           linking                396
           other sections          79
           headers and padding    781
  symbols  stripped
 build id  none
    bases  fitted
"""


def test_the_whole_screen_of_a_program_for_another_processor(ferrule: Ferrule, tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(shop())

    assert ferrule("inspect", "shop") == SCREEN


def test_a_static_program_says_how_that_is_known(ferrule: Ferrule, tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(Elf().bytes())
    (tmp_path / "pie").write_bytes(Elf(pie=True).bytes())

    said = ferrule("inspect", "app").splitlines()

    assert "     link  static: no PT_INTERP and no DT_NEEDED" in said
    assert "    bases  scratch" in said
    assert not [line for line in said if "libraries" in line or "glibc" in line or "loader" in line]
    assert "static: no PT_INTERP and no DT_NEEDED (static-pie)\n" in ferrule("inspect", "pie")


def test_json_has_a_version_and_every_fact(ferrule: Ferrule, tmp_path: Path) -> None:
    (tmp_path / "shop").write_bytes(shop())

    said = json.loads(ferrule("inspect", "--json", "shop"))

    sizes = said.pop("sizes")
    assert sum(sizes.values()) == said["size"] == (tmp_path / "shop").stat().st_size
    assert said == {
        "version": 1,
        "path": "shop",
        "size": said["size"],
        "platform": "linux/arm64",
        "machine": {"name": "AArch64", "bits": 64, "order": "little"},
        "link": {"mode": "dynamic", "reason": "PT_INTERP names a loader", "relocatable": True},
        "interpreter": {"name": "/nowhere/ld-linux-aarch64.so.1", "path": None},
        "libraries": [
            {"name": "libshop.so.1", "path": None, "wanted_by": "shop"},
            {"name": "libc-of-nobody.so.6", "path": None, "wanted_by": "shop"},
        ],
        "glibc": {"version": "GLIBC_2.39", "symbols": ["pidfd_spawnp"]},
        "stripped": True,
        "build_id": None,
        "bases": ["fitted"],
    }


@pytest.mark.parametrize(
    ("says", "platform"),
    [
        ({"machine": ARM, "bits": 32}, "linux/arm/v7"),
        ({"machine": I386, "bits": 32}, "linux/386"),
        ({"machine": S390X, "order": ">"}, "linux/s390x"),
    ],
)
def test_any_processor_of_any_width_and_byte_order_is_read(
    ferrule: Ferrule, tmp_path: Path, says: dict[str, Any], platform: str
) -> None:
    wanted = {"libc.so.6": {"GLIBC_2.30": "gettid"}}
    data = program("libc.so.6", interpreter="/lib/ld.so.1", versions=wanted, **says)
    (tmp_path / "app").write_bytes(data)

    said = json.loads(ferrule("inspect", "--json", "app"))

    assert said["platform"] == platform
    assert said["glibc"] == {"version": "GLIBC_2.30", "symbols": ["gettid"]}


def test_a_program_of_this_machine_shows_where_its_libraries_are(ferrule: Ferrule) -> None:
    need(Path("/bin/ls").is_file(), "/bin/ls")

    said = ferrule("inspect", "/bin/ls")

    (libc,) = [line.split() for line in said.splitlines() if "libc.so.6" in line]
    assert Path(libc[-1]).is_file()
    assert "not found here" not in said


def test_many_symbols_are_counted_and_three_are_named(ferrule: Ferrule, tmp_path: Path) -> None:
    names = ("accept4", "bind", "close", "dup", "eventfd")
    wanted = {f"lib{name}.so": {"GLIBC_2.34": name} for name in names}
    (tmp_path / "app").write_bytes(program(*wanted, versions=wanted))

    assert "GLIBC_2.34 or newer: accept4, bind, close and 2 more\n" in ferrule("inspect", "app")
