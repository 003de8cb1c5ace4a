"""The dynamic segment: what the loader reads, and all that it reads; section headers may be stripped.

The four records of versions are those of the LSB's "Symbol Versioning", the same in 32 and 64 bits.
"""

from collections.abc import Iterator, Mapping

import msgspec

from ferrule.elf.reader import PT_DYNAMIC, ElfFile, Segment

DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_DEBUG, DT_RUNPATH = 0, 1, 5, 14, 15, 21, 29
DT_FLAGS_1, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = range(0x6FFFFFFB, 0x70000000)
TEXTS = (DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH)
NUMBERS = (DT_STRTAB, DT_DEBUG, DT_FLAGS_1, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM)
DF_1_PIE = 0x08000000
VER_FLG_WEAK = 2
TAG = {32: "II", 64: "QQ"}


class Dynamic(msgspec.Struct, frozen=True, kw_only=True):
    """The tags that we read: the texts of `TEXTS`, the first number of each of `NUMBERS`.

    `strings` is where the string table lies in the file.
    """

    texts: Mapping[int, tuple[str, ...]] = msgspec.field(default_factory=dict)
    numbers: Mapping[int, int] = msgspec.field(default_factory=dict)
    strings: int = 0

    @property
    def says_program(self) -> bool:
        """Linkers mark programs so, and never libraries: by the PIE flag, or a place for the debugger."""
        return bool(self.numbers.get(DT_FLAGS_1, 0) & DF_1_PIE) or DT_DEBUG in self.numbers


def read_dynamic(elf: ElfFile) -> Dynamic:
    """Read the tags; without a dynamic segment there are none."""
    segment = elf.segment(PT_DYNAMIC)
    if segment is None or not segment.file_size:
        return Dynamic()
    tags = tuple(_tags(elf, segment))
    numbers = {tag: value for tag, value in reversed(tags) if tag in NUMBERS}
    strings = elf.offset(numbers[DT_STRTAB]) if DT_STRTAB in numbers else elf.size
    texts = {
        wanted: tuple(elf.text(strings + value) for tag, value in tags if tag == wanted) for wanted in TEXTS
    }
    return Dynamic(texts=texts, numbers=numbers, strings=strings)


def needed_versions(elf: ElfFile, dynamic: Dynamic) -> dict[str, tuple[str, ...]]:
    """Library → the versions without which the loader stops; those marked weak it forgives."""
    needed: dict[str, list[str]] = {}
    for library, flags, _, version in _wanted(elf, dynamic):
        versions = needed.setdefault(library, [])
        if not flags & VER_FLG_WEAK:
            versions.append(version)
    return {library: tuple(versions) for library, versions in needed.items()}


def numbered_versions(elf: ElfFile, dynamic: Dynamic) -> dict[int, str]:
    """The number that symbols give for a version → its name, for those that are taken from libraries."""
    return {number: version for _, _, number, version in _wanted(elf, dynamic)}


def defined_versions(elf: ElfFile, dynamic: Dynamic) -> tuple[str, ...]:
    """The versions that a library offers; the first is its own name."""
    return tuple(
        elf.text(dynamic.strings + name)
        for at, (*_, first) in _chain(elf, dynamic, DT_VERDEF, "HHHHIII")
        for _, (name,) in _records(elf, at + first, 1, "II")
    )


def _tags(elf: ElfFile, segment: Segment) -> Iterator[tuple[int, ...]]:
    """As far as the end mark, which must be there: without it the loader would read on, and we would not."""
    fields = TAG[elf.bits]
    count = segment.file_size // elf.layout(fields).size
    for tag, value in elf.rows(fields, segment.offset, count):
        if tag == DT_NULL:
            return
        yield tag, value
    raise elf.damaged()


def _wanted(elf: ElfFile, dynamic: Dynamic) -> Iterator[tuple[str, int, int, str]]:
    """Library, flags, number and name of each version that is taken from a library."""
    for at, (_, count, name, first) in _chain(elf, dynamic, DT_VERNEED, "HHIII"):
        library = elf.text(dynamic.strings + name)
        for _, (_, flags, number, version) in _records(elf, at + first, count, "IHHII"):
            yield library, flags, number, elf.text(dynamic.strings + version)


def _chain(elf: ElfFile, dynamic: Dynamic, table: int, fields: str) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The records of a table, as many as the tag after its own says."""
    if table not in dynamic.numbers:
        return iter(())
    count = dynamic.numbers.get(table + 1, 0)
    return _records(elf, elf.offset(dynamic.numbers[table]), count, fields)


def _records(elf: ElfFile, at: int, count: int, fields: str) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Offset and numbers of `count` records; the last number of each is the distance to the next, or 0."""
    for _ in range(count):
        *numbers, following = elf.unpack(fields, at)
        yield at, tuple(numbers)
        if not following:
            return
        at += following
