"""Programs to measure with: a source that changes by a line, and 100 MB of real machine code and data."""

import os
from collections.abc import Iterator
from pathlib import Path

from tests.parts.compile import compiled

LINE = "usage: shop "
LARGE = 100_000_000
LARGEST_PART = 8_000_000
PLACES = ("/usr/lib", "/usr/bin")


def change(source: Path, number: int) -> None:
    """Change one line of the example: as many bytes as before, other ones for each number."""
    text = source.read_text()
    end = text.index(LINE) + len(LINE)
    source.write_text(f"{text[:end]}{number:04d}{text[end + 4 :]}")


def large_program(folder: Path) -> Path:
    """A static program with the ELF files of this machine behind it, none more than 8 MB, 100 MB together."""
    program = compiled(folder, "large.c", "int main(void) { return 0; }\n", "-static")
    with program.open("ab") as stream:
        for path in elf_files():
            room = LARGE - stream.tell()
            if room <= 0:
                return program
            with path.open("rb") as part:
                stream.write(part.read(min(room, LARGEST_PART)))
    raise SystemExit(f"this machine has no {LARGE:,} bytes of ELF files in {' and '.join(PLACES)}")


def renew(program: Path, number: int) -> None:
    """Make the large program another one than before."""
    with program.open("r+b") as stream:
        stream.seek(-LARGEST_PART, os.SEEK_END)
        stream.write(number.to_bytes(8, "big"))


def elf_files() -> Iterator[Path]:
    """The programs and libraries of this machine, in the order of their names."""
    for place in PLACES:
        for path in sorted(Path(place).rglob("*")):
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    if stream.read(4) == b"\x7fELF":
                        yield path
