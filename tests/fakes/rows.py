"""Rows of ELF tables by hand, for 64 bits and little-endian: for files that no linker would write."""

import struct

PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4


def header(segments: int = 0, sections: int = 0, names: int = 0) -> bytes:
    """An ELF header: its tables follow at once, segments before sections."""
    sections_at = 64 + 56 * segments if sections else 0
    numbers = (2, 62, 1, 0, 64, sections_at, 0, 64, 56, segments, 64, sections, names)
    return b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", *numbers)


def segment(kind: int, at: int, size: int, *, align: int = 1) -> bytes:
    """A program header; what lies at an offset is loaded at the same address."""
    return struct.pack("<IIQQQQQQ", kind, 5, at, at, at, size, size, align)


def section(name: int, kind: int, at: int, size: int, *, link: int = 0, info: int = 0) -> bytes:
    """A section header; `name` is an offset in the table of names."""
    return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, at, size, link, info, 1, 0)
