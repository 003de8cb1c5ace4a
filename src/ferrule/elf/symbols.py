"""The dynamic symbol table: what a binary takes from its libraries, unpacked in one go.

By section headers, since the dynamic segment does not say how many symbols there are.
"""

import struct
from collections.abc import Iterator
from typing import Any

from ferrule.elf.dynamic import printable

MAX_TABLE = 64 << 20
MAX_NAME = 4096
LAYOUTS = {32: "IIIBBH", 64: "IBBHQQ"}
NAME, SECTION = 0, {32: 5, 64: 3}
HIDDEN = 0x8000


def undefined(elf: Any) -> dict[str, str]:
    """Symbol → its version (empty when it has none), for those that the loader has to find elsewhere."""
    symbols = elf.get_section_by_name(".dynsym")
    if symbols is None:
        return {}
    names = _content(elf, elf.get_section(symbols["sh_link"]))
    versions = _versions(elf)
    indexes = _indexes(elf)
    return {
        _text(names, name): versions.get(indexes[number], "") if number < len(indexes) else ""
        for number, name in _undefined(elf, _content(elf, symbols))
    }


def _undefined(elf: Any, table: bytes) -> Iterator[tuple[int, int]]:
    """Number and name offset of the symbols without a section of their own."""
    layout = ("<" if elf.little_endian else ">") + LAYOUTS[elf.elfclass]
    section = SECTION[elf.elfclass]
    whole = len(table) - len(table) % struct.calcsize(layout)
    for number, fields in enumerate(struct.iter_unpack(layout, memoryview(table)[:whole])):
        if fields[section] == 0 and fields[NAME]:
            yield number, fields[NAME]


def _indexes(elf: Any) -> tuple[int, ...]:
    section = elf.get_section_by_name(".gnu.version")
    table = b"" if section is None else _content(elf, section)
    count = len(table) // 2
    raw = struct.unpack(f"{'<' if elf.little_endian else '>'}{count}H", table[: 2 * count])
    return tuple(index & ~HIDDEN for index in raw)


def _versions(elf: Any) -> dict[int, str]:
    section = elf.get_section_by_name(".gnu.version_r")
    if section is None or not hasattr(section, "iter_versions"):
        return {}
    auxiliaries = (version for _, versions in section.iter_versions() for version in versions)
    return {version["vna_other"]: printable(version.name) for version in auxiliaries}


def _content(elf: Any, section: Any) -> bytes:
    """As it lies in the file; a size that is too large is a lie, or nothing that we wait for."""
    if section["sh_type"] == "SHT_NOBITS" or section["sh_size"] > MAX_TABLE:
        raise ValueError("a table is too large")
    elf.stream.seek(section["sh_offset"])
    return bytes(elf.stream.read(section["sh_size"]))


def _text(names: bytes, offset: int) -> str:
    end = names.find(b"\0", offset, offset + MAX_NAME)
    if end < 0:
        raise ValueError("a name has no end")
    return printable(names[offset:end].decode())
