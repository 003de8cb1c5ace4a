"""Files that are no program for Linux, and names of nothing: one line, and nothing is left behind."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.measure import refused
from tests.cli.test_hostile_layers import gzip_bomb
from tests.fakes.elf import AARCH64, Elf, library
from tests.fakes.layouts import Layout

FREEBSD = 9
LONG = "a" * 300


def elf_of(system: int) -> bytes:
    """A static program whose header names an operating system."""
    data = bytearray(Elf().bytes())
    data[7] = system
    return bytes(data)


def written(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


PROGRAMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "for FreeBSD": (written(elf_of(FREEBSD)), "FreeBSD"),
    "for macOS": (written(struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 2, 0, 0, 0, 0)), "macOS"),
    "for every macOS": (written(struct.pack(">8I", 0xCAFEBABE, 2, 0, 0, 0, 0, 0, 0)), "several processors"),
    "for Windows": (written(b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0"), "Windows"),
    "a script": (written(b"#!/bin/sh\necho hello\n"), "is a script"),
    "a text": (written(b"hello\n"), "is no ELF binary"),
    "nothing": (written(b""), "is no ELF binary"),
    "a library": (written(library("libx.so")), "is a shared library"),
    "a folder": (Path.mkdir, "app is "),
    "a pipe": (os.mkfifo, "is no regular file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is no regular file"),
    "a link in a circle": (lambda path: path.symlink_to(path), "cannot read"),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), "cannot read"),
    "cut short": (written(Elf().bytes()[:80]), "cut short"),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("verb", [("inspect",), ("pack", "-o", "oci:out")], ids=["inspect", "pack"])
def test_a_file_that_is_no_program_is_one_line(place: Path, name: str, verb: tuple[str, ...]) -> None:
    make, says = PROGRAMS[name]
    make(place / "app")

    refused(place, (3,), says, *verb, "./app")


def test_programs_for_two_processors_are_no_image(place: Path) -> None:
    (place / "one").write_bytes(Elf().bytes())
    (place / "two").write_bytes(Elf(machine=AARCH64).bytes())

    refused(
        place,
        (6,),
        "two is for linux/arm64, and one is for linux/amd64",
        "pack",
        "one",
        "two",
        "-o",
        "oci:out",
    )


@pytest.mark.parametrize(
    "name",
    [
        "a" * 300,
        f"./{'a' * 300}",
        f"oci:{'a' * 300}",
        f"docker-archive:{'a' * 300}",
        "oci:\x1b[2J",
        "app\udcff",
        "~",
        "docker-archive:.",
        "oci::::",
    ],
)
def test_a_name_that_names_nothing_is_one_line(place: Path, name: str) -> None:
    refused(place, (2, 3), "", "inspect", name)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (3, ("pack", LONG, "-o", "oci:out")),
        (5, ("pack", "app", "--base", f"oci:{LONG}", "-o", "oci:out")),
        (1, ("pack", "app", "-o", f"oci:{LONG}")),
        (3, ("pack", "app", "-o", "oci:out", "--config", LONG)),
        (125, ("run", f"oci:{LONG}")),
    ],
)
def test_a_name_that_is_too_long_is_one_line(place: Path, code: int, arguments: tuple[str, ...]) -> None:
    (place / "app").write_bytes(Elf().bytes())

    refused(place, (code,), "", *arguments)


def test_a_bomb_is_no_base(place: Path) -> None:
    layout = Layout(place / "layout")
    layout.offer(layout.image(gzip_bomb()))
    (place / "app").write_bytes(Elf().bytes())

    refused(
        place,
        (5,),
        "the image unpacks to more than 200 times",
        "pack",
        "app",
        "--base",
        "oci:layout",
        "-o",
        "oci:out",
    )
