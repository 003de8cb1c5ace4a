"""The tables of an ELF file by `struct`: program headers, section headers, strings, notes.

As chapters 4 and 5 of the System V gABI have them, for both classes and byte orders. No number in the file
is believed: every range is checked against the file before it is read.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from ferrule.elf.headers import Table, read_header
from ferrule.errors import BinaryError

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
SHT_NULL, SHT_SYMTAB, SHT_NOBITS, SHT_DYNSYM, SHT_GNU_VERSYM = 0, 2, 8, 11, 0x6FFFFFFF
NT_GNU_BUILD_ID = 3
EXTENDED = 0xFFFF
"""PN_XNUM and SHN_XINDEX: the number did not fit, and stands in section 0."""

SEGMENT = {32: "III4xI8xI", 64: "I4xQQ8xQ8xQ"}
SECTION = {32: "II8xIIII8x", 64: "II16xQQII16x"}
NOTE = 12

MAX_NAME = 4096
MAX_ROWS = 1 << 17
"""Twice what plain headers can count; linkers make a few dozen."""
MAX_BYTES, LEAST = 64 << 20, 64
"""What one file may have us read or copy, and what each read counts for, so that a million of them end."""
MAX_FILE = 1 << 48
"""What is said to lie beyond is not missing: no file was ever so large."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A program header: what is mapped, or where the loader finds its instructions."""

    kind: int
    offset: int
    address: int
    file_size: int
    align: int


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A section header: a named part of the file; `size` in bytes as loaded."""

    name: str
    kind: int
    offset: int
    size: int
    link: int

    @property
    def file_size(self) -> int:
        """Bytes in the file: none for what starts as zeros."""
        return 0 if self.kind in (SHT_NULL, SHT_NOBITS) else self.size


class ElfFile:
    """An ELF file with its headers read and checked. Methods raise `BinaryError` where it is damaged."""

    def __init__(self, stream: BinaryIO, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.header = read_header(stream, name)
        self._stream = stream
        self._left = MAX_BYTES
        self._order = "<" if self.header.machine.order == "little" else ">"
        segments, sections, names = self._counts()
        self.segments = self._segments(segments)
        self.sections = self._sections(sections, names)

    @property
    def bits(self) -> int:
        """32 or 64."""
        return self.header.machine.bits

    def segment(self, kind: int) -> Segment | None:
        """The first of that type."""
        return next((segment for segment in self.segments if segment.kind == kind), None)

    def section(self, kind: int) -> Section | None:
        """The first of that type; the gABI allows one symbol table of each."""
        return next((section for section in self.sections if section.kind == kind), None)

    def offset(self, address: int) -> int:
        """Where in the file lies what the loader finds at an address."""
        for load in self.segments:
            if load.kind == PT_LOAD and 0 <= address - load.address < load.file_size:
                return load.offset + address - load.address
        raise self.damaged("point outside the file")

    def read(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes."""
        self._check(offset, count)
        self._spend(count)
        if not count:
            return b""
        self._stream.seek(offset)
        data = self._stream.read(count)
        if len(data) < count:
            raise self._cut()
        return data

    def layout(self, fields: str) -> struct.Struct:
        """A layout of `struct` in the file's byte order."""
        return struct.Struct(self._order + fields)

    def unpack(self, fields: str, offset: int) -> tuple[int, ...]:
        """One record."""
        layout = self.layout(fields)
        return layout.unpack(self.read(offset, layout.size))

    def rows(self, fields: str, offset: int, count: int) -> Iterator[tuple[int, ...]]:
        """A table of records."""
        if count > MAX_ROWS:
            raise self.damaged()
        layout = self.layout(fields)
        return layout.iter_unpack(self.read(offset, count * layout.size))

    def content(self, section: Section) -> bytes:
        """All of a section, as it lies in the file."""
        return self.read(section.offset, section.file_size)

    def text(self, offset: int) -> str:
        """The string that begins at an offset in the file."""
        return self.string(self.read(offset, max(0, min(MAX_NAME, self.size - offset))), 0)

    def string(self, table: bytes, offset: int) -> str:
        """A string of a table. Names are shown on terminals, so control characters are refused."""
        end = table.find(b"\0", offset, offset + MAX_NAME)
        if end < 0:
            raise self.damaged()
        self._spend(end - offset)
        try:
            text = table[offset:end].decode()
        except UnicodeDecodeError as error:
            raise self.damaged() from error
        if not text.isprintable():
            raise self.damaged()
        return text

    def notes(self, owner: bytes, kind: int) -> Iterator[bytes]:
        """What the notes of a type say, in all segments. Some are aligned to 8 bytes, all others to 4."""
        for segment in self.segments:
            if segment.kind != PT_NOTE:
                continue
            align = 8 if segment.align == 8 else 4
            at, end = segment.offset, segment.offset + segment.file_size
            while at + NOTE <= end:
                name_size, size, found = self.unpack("III", at)
                start = at + _aligned(NOTE + name_size, align)
                if start + size > end:
                    raise self.damaged("point outside the file")
                if found == kind and self.read(at + NOTE, name_size) == owner:
                    yield self.read(start, size)
                at = start + _aligned(size, align)

    def damaged(self, what: str = "make no sense") -> BinaryError:
        """The error that says so of the headers."""
        return BinaryError(f"{self.name} is damaged: its ELF headers {what}", hint="build it again")

    def _counts(self) -> tuple[int, int, int]:
        """Segments, sections, and which of these has the names; section 0 has what did not fit."""
        header = self.header
        segments, sections, names = header.segments.count, header.sections.count, header.names
        if header.sections.offset and (not sections or EXTENDED in (segments, names)):
            *_, size, link, info = self.unpack(SECTION[self.bits], header.sections.offset)
            segments = info if segments == EXTENDED else segments
            names = link if names == EXTENDED else names
            sections = sections or size
        return segments, sections, names

    def _segments(self, count: int) -> tuple[Segment, ...]:
        segments = []
        for kind, *numbers, align in self._table(self.header.segments, count, SEGMENT[self.bits]):
            offset, address, size = numbers
            self._check(offset, size)
            segments.append(Segment(kind=kind, offset=offset, address=address, file_size=size, align=align))
        return tuple(segments)

    def _sections(self, count: int, names: int) -> tuple[Section, ...]:
        rows = tuple(self._table(self.header.sections, count, SECTION[self.bits]))
        if not rows:
            return ()
        if rows[0][1] != SHT_NULL or names >= len(rows):
            raise self.damaged()
        table = None
        if names:
            _, kind, offset, size, _, _ = rows[names]
            table = self.content(Section(name="", kind=kind, offset=offset, size=size, link=0))
        sections = []
        for name, kind, offset, size, link, _ in rows:
            text = self.string(table, name) if table is not None else ""
            section = Section(name=text, kind=kind, offset=offset, size=size, link=link)
            self._check(offset, section.file_size)
            sections.append(section)
        return tuple(sections)

    def _table(self, table: Table, count: int, fields: str) -> Iterator[tuple[int, ...]]:
        if not table.offset:
            return iter(())
        if table.offset + table.each * count > self.size:
            raise self._cut(": its headers point behind its end")
        if count and table.each != self.layout(fields).size:
            raise self.damaged()
        return self.rows(fields, table.offset, count)

    def _check(self, offset: int, count: int) -> None:
        if count and offset + count > self.size:
            if offset + count > MAX_FILE:
                raise self.damaged("point outside the file")
            raise self._cut()

    def _cut(self, why: str = "") -> BinaryError:
        return BinaryError(f"{self.name} is cut short{why}", hint="copy or build it again")

    def _spend(self, count: int) -> None:
        self._left -= max(count, LEAST)
        if self._left < 0:
            raise self.damaged()


def _aligned(size: int, align: int) -> int:
    return size + -size % align
