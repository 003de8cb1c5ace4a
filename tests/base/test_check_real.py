"""The bases that people use, made of the same packages: what they run and what they refuse."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferrule.base.check import check
from ferrule.base.known import KNOWN
from ferrule.elf.facts import Binary, read_elf
from ferrule.errors import ImageError
from ferrule.image.layout import read_layout
from ferrule.image.tree import LayerTree, tree_of
from ferrule.oci.platform import Platform
from tests.fakes.elf import AARCH64, program
from tests.parts.bases import base_layout

pytestmark = pytest.mark.real
SLIM = "library/debian:bookworm-slim"
CC = "distroless/cc-debian12:latest"
STATIC = "distroless/static-debian12:latest"
AMD64 = Platform(os="linux", architecture="amd64")
ARM64 = Platform(os="linux", architecture="arm64")


def wants(folder: Path, version: str, symbol: str) -> Binary:
    path = folder / "shop"
    data = program("libgcc_s.so.1", "libc.so.6", versions={"libc.so.6": {version: symbol}})
    path.write_bytes(data)
    return read_elf(io.BytesIO(data), str(path), len(data))


@pytest.fixture(scope="module", params=[SLIM, CC])
def glibc_base(request: pytest.FixtureRequest) -> Iterator[LayerTree]:
    with tree_of(read_layout(base_layout(request.param), "latest", AMD64)) as files:
        yield files


def test_debian_12_runs_what_was_linked_against_its_glibc(glibc_base: LayerTree, tmp_path: Path) -> None:
    check(wants(tmp_path, "GLIBC_2.36", "arc4random"), glibc_base, "the base")


@pytest.mark.parametrize(
    ("layout", "name"), [(SLIM, "debian:bookworm-slim"), (CC, "gcr.io/distroless/cc-debian12")]
)
def test_the_libraries_that_hints_count_on_are_in_the_bases(layout: str, name: str) -> None:
    known = next(base for base in KNOWN if base.name == name)
    data = program(*sorted(known.extra), versions={"libc.so.6": {f"GLIBC_{known.glibc}": "arc4random"}})

    assert known.extra
    with tree_of(read_layout(base_layout(layout), "latest", AMD64)) as files:
        check(read_elf(io.BytesIO(data), "shop", len(data)), files, "the base")


def test_debian_12_refuses_what_needs_a_newer_glibc(glibc_base: LayerTree, tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        check(wants(tmp_path, "GLIBC_2.39", "pidfd_spawnp"), glibc_base, "the base")

    assert (
        caught.value.message == "the program needs GLIBC_2.39 (pidfd_spawnp); the base has up to GLIBC_2.36"
    )


def test_the_static_image_has_no_loader(tmp_path: Path) -> None:
    binary = wants(tmp_path, "GLIBC_2.34", "read")
    image = read_layout(base_layout(STATIC), "latest", AMD64)

    with tree_of(image) as files, pytest.raises(ImageError, match="needs /lib64/ld-linux-x86-64"):
        check(binary, files, "the base")


def test_arm64_is_told_from_amd64(tmp_path: Path) -> None:
    data = program("libc.so.6", interpreter="/lib/ld-linux-aarch64.so.1", machine=AARCH64)
    with tree_of(read_layout(base_layout(CC), "latest", ARM64)) as files:
        check(read_elf(io.BytesIO(data), "shop", len(data)), files, "the base")
        with pytest.raises(ImageError, match="is for AArch64, the program for x86-64"):
            check(wants(tmp_path, "GLIBC_2.34", "read"), files, "the base")
