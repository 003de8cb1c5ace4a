"""ELF files of any machine, written by hand: headers, needed libraries and symbol versions, and no code."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

X86_64, AARCH64, ARM, I386, S390X = 62, 183, 40, 3, 22
ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME, DT_RPATH, DT_RUNPATH = (
    *(1, 5, 6, 10, 11, 14, 15),
    29,
)
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM, DT_FLAGS_1 = (*range(0x6FFFFFFC, 0x70000000), 0x6FFFFFFB)
DF_1_PIE, VER_FLG_WEAK = 0x08000000, 2
DT_VERSYM, DT_VERDEF, DT_VERNEED = 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE
STRTAB, DYNAMIC, DYNSYM, VERDEF, VERNEED, VERSYM = 3, 6, 11, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
GLIBC_LOADER = "/lib64/ld-linux-x86-64.so.2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Elf:
    """What the file is to say. `versions` is library → version → a symbol that wants it.

    Those of `weak` are marked as needless; `pie` marks a program, and `sections=False` leaves out the section
    headers. With `extended` the numbers of headers stand in section 0, as where they are too large.
    """

    machine: int = X86_64
    bits: int = 64
    order: str = "<"
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: str | None = None
    runpath: str | None = None
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    defines: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    pie: bool = False
    sections: bool = True
    extended: bool = False

    def bytes(self) -> bytes:
        """The file."""
        return _File(self).write()


def program(*needed: str, interpreter: str = GLIBC_LOADER, **says: Any) -> bytes:
    """A dynamic program."""
    return Elf(needed=needed, interpreter=interpreter, **says).bytes()


def library(soname: str, *needed: str, **says: Any) -> bytes:
    """A shared library."""
    return Elf(soname=soname, needed=needed, **says).bytes()


class _File:
    def __init__(self, elf: Elf) -> None:
        self.elf = elf
        self.wide = elf.bits == 64
        self.strings = bytearray(b"\0")
        self.parts: dict[str, tuple[int, bytes, int, int]] = {}
        self.word = "Q" if self.wide else "I"

    def pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(self.elf.order + layout, *values)

    def string(self, text: str) -> int:
        offset = len(self.strings)
        self.strings += text.encode() + b"\0"
        return offset

    def write(self) -> bytes:
        elf = self.elf
        tags = [(DT_NEEDED, self.string(name)) for name in elf.needed]
        named = ((DT_SONAME, elf.soname), (DT_RPATH, elf.rpath), (DT_RUNPATH, elf.runpath))
        tags += [(tag, self.string(text)) for tag, text in named if text is not None]
        symbols, indexes, needs = self._symbols()
        defines = self._defines()
        names = [".dynstr", ".dynsym", ".gnu.version", ".gnu.version_r", ".gnu.version_d", ".dynamic"]
        strings = bytes(self.strings)
        start = 64 + 3 * 56
        blobs = [strings, symbols, indexes, needs, defines]
        places = []
        for blob in blobs:
            places.append(start)
            start += len(blob) + (-len(blob) % 8)
        wanted = tags or elf.interpreter or elf.pie
        dynamic = self._dynamic(tags, places, len(strings)) if wanted else b""
        places.append(start)
        blobs.append(dynamic)
        interpreter = (elf.interpreter or "").encode() + b"\0"
        end = start + len(dynamic)
        table = b"\0" + b"\0".join(name.encode() for name in (*names, ".shstrtab")) + b"\0"
        headers_at = end + len(interpreter) + len(table)
        headers_at += -headers_at % 8
        segments = self._segments(end, len(interpreter), start, len(dynamic), headers_at)
        out = bytearray(self._header(len(segments), headers_at) + b"".join(segments))
        for place, blob in zip(places, blobs, strict=True):
            out += bytes(place - len(out)) + blob
        out += interpreter + table
        out += bytes(headers_at - len(out))
        return bytes(out + self._sections(table, names, places, blobs, end + len(interpreter)))

    def _symbols(self) -> tuple[bytes, bytes, bytes]:
        symbols, indexes, needs = bytes(24 if self.wide else 16), self.pack("H", 0), b""
        number = 2
        libraries = list(self.elf.versions.items())
        for position, (name, versions) in enumerate(libraries):
            auxiliary = b""
            for place, (version, symbol) in enumerate(versions.items()):
                flags = VER_FLG_WEAK if version in self.elf.weak else 0
                following = 16 if place + 1 < len(versions) else 0
                auxiliary += self.pack("IHHII", 0, flags, number, self.string(version), following)
                text = self.string(symbol)
                symbols += (
                    self.pack("IBBHQQ", text, 0x12, 0, 0, 0, 0)
                    if self.wide
                    else self.pack("IIIBBH", text, 0, 0, 0x12, 0, 0)
                )
                indexes += self.pack("H", number)
                number += 1
            more = 16 + len(auxiliary) if position + 1 < len(libraries) else 0
            needs += self.pack("HHIII", 1, len(versions), self.string(name), 16, more) + auxiliary
        return symbols, indexes, needs

    def _defines(self) -> bytes:
        out = b""
        for number, version in enumerate(self.elf.defines):
            more = 28 if number + 1 < len(self.elf.defines) else 0
            out += self.pack("HHHHIII", 1, 0, number + 1, 1, 0, 20, more)
            out += self.pack("II", self.string(version), 0)
        return out

    def _dynamic(self, tags: list[tuple[int, int]], places: list[int], size: int) -> bytes:
        symbol = 24 if self.wide else 16
        table = [
            (DT_STRTAB, places[0]),
            (DT_STRSZ, size),
            (DT_SYMTAB, places[1]),
            (DT_SYMENT, symbol),
            *self._version_tags(places),
            (DT_FLAGS_1, DF_1_PIE * self.elf.pie),
            (0, 0),
        ]
        return b"".join(self.pack(2 * self.word, tag, value) for tag, value in (*tags, *table, (0, 0)))

    def _version_tags(self, places: list[int]) -> list[tuple[int, int]]:
        needs = ((DT_VERNEED, places[3]), (DT_VERNEEDNUM, len(self.elf.versions)))
        defines = ((DT_VERDEF, places[4]), (DT_VERDEFNUM, len(self.elf.defines)))
        return [*(needs if self.elf.versions else ()), *(defines if self.elf.defines else ())]

    def _segments(self, interp_at: int, interp: int, dynamic_at: int, dynamic: int, end: int) -> list[bytes]:
        wanted = [(PT_LOAD, 0, end)]
        wanted += [(PT_DYNAMIC, dynamic_at, dynamic)] if dynamic else []
        wanted += [(PT_INTERP, interp_at, interp)] if self.elf.interpreter else []
        return [
            self.pack("IIQQQQQQ", kind, 5, at, at, at, size, size, 8)
            if self.wide
            else self.pack("IIIIIIII", kind, at, at, at, size, size, 5, 4)
            for kind, at, size in wanted
        ]

    def _header(self, segments: int, sections_at: int) -> bytes:
        elf = self.elf
        marks = bytes((2 if self.wide else 1, 1 if elf.order == "<" else 2, 1, 0))
        kind = ET_DYN if elf.soname or elf.interpreter or elf.pie else ET_EXEC
        each = (64, 56, 64) if self.wide else (52, 32, 40)
        return (b"\x7fELF" + marks + bytes(8)) + self.pack(
            f"HHI{self.word * 3}IHHHHHH",
            *(kind, elf.machine, 1, 0, each[0], sections_at if elf.sections else 0, 0),
            *(each[0], each[1], 0xFFFF if elf.extended else segments, each[2]),
            *((0, 0xFFFF) if elf.extended else (8, 7) if elf.sections else (0, 0)),
        )

    def _sections(
        self, table: bytes, names: list[str], places: list[int], blobs: list[bytes], table_at: int
    ) -> bytes:
        kinds = (STRTAB, DYNSYM, VERSYM, VERNEED, VERDEF, DYNAMIC)
        symbol = 24 if self.wide else 16
        each = (0, symbol, 2, 0, 0, 16 if self.wide else 8)
        counts = (0, 1, 0, len(self.elf.versions), len(self.elf.defines), 0)
        segments = 1 + bool(blobs[-1]) + bool(self.elf.interpreter)
        rows = [(0, 0, 0, 8, 7, segments, 0) if self.elf.extended else (0, 0, 0, 0, 0, 0, 0)]
        for name, kind, place, blob, size, count in zip(
            names, kinds, places, blobs, each, counts, strict=True
        ):
            link = 2 if kind == VERSYM else 0 if kind == STRTAB else 1
            rows.append(
                (table.index(name.encode() + b"\0"), kind if blob else 0, place, len(blob), link, count, size)
            )
        rows.append((table.index(b".shstrtab\0"), STRTAB, table_at, len(table), 0, 0, 0))
        word = self.word
        return b"".join(
            self.pack(f"II{word * 4}II{word * 2}", name, kind, 2, place, place, size, link, info, 8, entry)
            for name, kind, place, size, link, info, entry in rows
        )
