"""The dynamic symbol table: what a binary takes from its libraries, unpacked in one go.

By section headers, since the dynamic segment does not say how many symbols there are.
"""

from collections.abc import Iterator

from ferrule.elf.dynamic import numbered_versions, read_dynamic
from ferrule.elf.reader import SHT_DYNSYM, SHT_GNU_VERSYM, ElfFile

SYMBOL = {32: "I8x2xH", 64: "I2xH16x"}
"""st_name and st_shndx."""
SHN_UNDEF = 0
HIDDEN = 0x8000


def undefined(elf: ElfFile) -> dict[str, str]:
    """Symbol → its version (empty when it has none), for those that the loader has to find elsewhere."""
    symbols = elf.section(SHT_DYNSYM)
    if symbols is None:
        return {}
    if symbols.link >= len(elf.sections):
        raise elf.damaged()
    names = elf.content(elf.sections[symbols.link])
    versions = numbered_versions(elf, read_dynamic(elf))
    section = elf.section(SHT_GNU_VERSYM)
    numbers = memoryview(b"" if section is None else elf.content(section))
    number_layout = elf.layout("H")
    found = {}
    for index, name in _undefined(elf, elf.content(symbols)):
        number = numbers[2 * index : 2 * index + 2]
        version = versions.get(number_layout.unpack(number)[0] & ~HIDDEN, "") if len(number) == 2 else ""
        found[elf.string(names, name)] = version
    return found


def _undefined(elf: ElfFile, table: bytes) -> Iterator[tuple[int, int]]:
    """Number and name offset of the symbols without a section of their own."""
    layout = elf.layout(SYMBOL[elf.bits])
    whole = len(table) - len(table) % layout.size
    for index, (name, section) in enumerate(layout.iter_unpack(memoryview(table)[:whole])):
        if section == SHN_UNDEF and name:
            yield index, name
