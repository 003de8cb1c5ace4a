"""What is no program for Linux: one line of cause, one hint, exit code 3. A test per row."""

import struct
from pathlib import Path

import pytest

from tests.cli.conftest import Refused


def elf(**changes: int) -> bytes:
    head = bytearray(
        struct.pack(
            "<4sBBBBQHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, 2, 62, 1, 0, 64, 0, 0, 64, 56, 0, 64, 0, 0
        )
    )
    for offset, value in changes.items():
        head[int(offset.removeprefix("at"))] = value
    return bytes(head)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "is no ELF binary: it is empty"),
        (b"hello", "is no ELF binary"),
        (b"#!/bin/sh\n", "is a script"),
        (b"\xcf\xfa\xed\xfe" + bytes(60), "is a program for macOS"),
        (b"MZ" + bytes(60), "is a program for Windows"),
        (b"\x7fELF", "is cut short"),
        (elf()[:40], "is cut short"),
        (elf(at56=9), "is cut short: its headers point behind its end"),
        (elf(at16=1), "is an object file"),
        (elf(at16=4), "is a core dump"),
        (elf(at7=9), "is a program for FreeBSD"),
    ],
)
def test_what_is_no_program_for_linux_is_exit_code_3(
    refused: Refused, tmp_path: Path, data: bytes, cause: str
) -> None:
    (tmp_path / "file").write_bytes(data)
    code, said, hint = refused("inspect", str(tmp_path / "file"))
    assert code == 3
    assert said.startswith(f"{tmp_path / 'file'} {cause}")
    assert hint


def test_a_truncated_program_and_none_at_all_are_exit_code_3(refused: Refused, tmp_path: Path) -> None:
    whole = Path("/bin/sh").resolve().read_bytes()
    for keep in (100, len(whole) // 2, len(whole) - 100):
        (tmp_path / "cut").write_bytes(whole[:keep])
        assert refused("inspect", str(tmp_path / "cut"))[0] == 3
    assert refused("inspect", str(tmp_path / "nope"))[0] == 3
    assert refused("inspect", str(tmp_path))[0] == 3
