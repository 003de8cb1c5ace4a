"""The dynamic segment: what the loader reads, and all that it reads; section headers may be stripped.

pyelftools reads version tables by section headers only, so their four records (the LSB's "Symbol
Versioning") are unpacked here; they are the same in 32 and 64 bits.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_STRING = 4096
DF_1_PIE = 0x08000000
VER_FLG_WEAK = 2
STRINGS = {"DT_NEEDED": "needed", "DT_SONAME": "soname", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Dynamic:
    """The tags: texts of those in `STRINGS`, numbers of the others (the first of each)."""

    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def says_program(self) -> bool:
        """Linkers mark programs so, and never libraries: by the PIE flag, or a place for the debugger."""
        return bool(self.numbers.get("DT_FLAGS_1", 0) & DF_1_PIE) or "DT_DEBUG" in self.numbers


def read_dynamic(elf: Any) -> Dynamic:
    """Read the tags of a pyelftools file; without a dynamic segment there are none."""
    segment = next(iter(elf.iter_segments("PT_DYNAMIC")), None)
    if segment is None or not segment["p_filesz"]:
        return Dynamic()
    texts: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    for tag in segment.iter_tags():
        name = str(tag.entry.d_tag)
        if name in STRINGS:
            texts.setdefault(name, []).append(printable(getattr(tag, STRINGS[name])))
        else:
            numbers.setdefault(name, tag.entry.d_val)
    return Dynamic(texts={name: tuple(values) for name, values in texts.items()}, numbers=numbers)


def needed_versions(elf: Any, dynamic: Dynamic) -> dict[str, tuple[str, ...]]:
    """Library → the versions without which the loader stops; those marked weak it forgives."""
    tables = _Tables(elf, dynamic)
    needed: dict[str, tuple[str, ...]] = {}
    for at, (_, count, name, first) in tables.chain("DT_VERNEED", "HHIII"):
        versions = [
            tables.text(text)
            for _, (_, flags, _, text) in tables.records(at + first, count, "IHHII")
            if not flags & VER_FLG_WEAK
        ]
        library = tables.text(name)
        needed[library] = (*needed.get(library, ()), *versions)
    return needed


def defined_versions(elf: Any, dynamic: Dynamic) -> tuple[str, ...]:
    """The versions that a library offers; the first is its own name."""
    tables = _Tables(elf, dynamic)
    return tuple(
        tables.text(name)
        for at, (_, _, _, _, _, first) in tables.chain("DT_VERDEF", "HHHHIII")
        for _, (name,) in tables.records(at + first, 1, "II")
    )


class _Tables:
    """Version records in the file. Each ends with the distance to the next, 0 for none."""

    def __init__(self, elf: Any, dynamic: Dynamic) -> None:
        self._elf = elf
        self._numbers = dynamic.numbers
        self._order = "<" if elf.little_endian else ">"

    def chain(self, tag: str, layout: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Offset and numbers of each record of a table, as many as its own tag says."""
        if tag not in self._numbers:
            return iter(())
        return self.records(self._place(tag), self._numbers.get(f"{tag}NUM", 0), layout)

    def records(self, at: int, count: int, layout: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """`count` linked records from an offset on, without their last number."""
        for _ in range(count):
            *numbers, following = self._unpack(layout, at)
            yield at, tuple(numbers)
            if not following:
                return
            at += following

    def text(self, offset: int) -> str:
        """A string of the dynamic string table."""
        self._elf.stream.seek(self._place("DT_STRTAB") + offset)
        text, end, _ = self._elf.stream.read(MAX_STRING).partition(b"\0")
        if not end:
            raise ValueError("a name is too long")
        return printable(text.decode())

    def _unpack(self, layout: str, at: int) -> tuple[int, ...]:
        self._elf.stream.seek(at)
        layout = self._order + layout
        return struct.unpack(layout, self._elf.stream.read(struct.calcsize(layout)))

    def _place(self, tag: str) -> int:
        """The offset in the file of what the loader finds at an address."""
        place = next(iter(self._elf.address_offsets(self._numbers[tag])), None)
        if place is None:
            raise ValueError(f"{tag} is outside the file")
        return int(place)


def printable(text: str) -> str:
    """Names are shown on terminals, which obey control characters. Raises `ValueError` for those."""
    if len(text) > MAX_STRING or not text.isprintable():
        raise ValueError("a name is none")
    return text
