"""A header of rpm's database goes in; the name, version and files of the package come out.

A header is a count of entries, a size of data, the entries (tag, type, offset, count) and the data, all
big-endian: "Header Structure" of the LSB's package format, without the magic number that files have.
"""

import struct

import msgspec

NAME, VERSION, RELEASE, EPOCH = 1000, 1001, 1002, 1003
DIRINDEXES, BASENAMES, DIRNAMES = 1116, 1117, 1118
INT32, STRINGS = 4, (6, 8, 9)
ENTRY = struct.Struct(">IIII")
INTRO = struct.Struct(">II")
MAX_COUNT = 1_000_000


class HeaderError(ValueError):
    """The bytes are no header."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A package: `version` is `[EPOCH:]VERSION-RELEASE`, `paths` are absolute."""

    name: str
    version: str
    paths: tuple[str, ...]


def parse_header(blob: bytes) -> Header:
    """Read what is needed of it. Raises `HeaderError` for anything else."""
    try:
        count, size = INTRO.unpack_from(blob)
        start = INTRO.size + count * ENTRY.size
        data = blob[start:]
        if len(data) != size:
            raise HeaderError("a header that is cut short")
        entries = {}
        for tag, kind, offset, values in ENTRY.iter_unpack(blob[INTRO.size : start]):
            entries[tag] = (kind, offset, min(values, MAX_COUNT))
        return _header(entries, data)
    except (struct.error, LookupError, ValueError) as error:
        raise HeaderError("no header of an rpm package") from error


def _header(entries: dict[int, tuple[int, int, int]], data: bytes) -> Header:
    folders = _texts(entries, DIRNAMES, data)
    names = _texts(entries, BASENAMES, data)
    indexes = _numbers(entries, DIRINDEXES, data)
    epoch = "".join(f"{number}:" for number in _numbers(entries, EPOCH, data))
    version, release = (_texts(entries, tag, data)[0] for tag in (VERSION, RELEASE))
    return Header(
        name=_texts(entries, NAME, data)[0],
        version=f"{epoch}{version}-{release}",
        paths=tuple(folders[index] + name for index, name in zip(indexes, names, strict=True)),
    )


def _texts(entries: dict[int, tuple[int, int, int]], tag: int, data: bytes) -> list[str]:
    """Strings lie one behind the other, each with a zero at its end."""
    kind, at, count = entries.get(tag, (STRINGS[0], 0, 0))
    if kind not in STRINGS:
        raise ValueError("strings were expected")
    texts = []
    for _ in range(count):
        end = data.index(b"\0", at)
        texts.append(data[at:end].decode("utf-8", "replace"))
        at = end + 1
    return texts


def _numbers(entries: dict[int, tuple[int, int, int]], tag: int, data: bytes) -> tuple[int, ...]:
    kind, at, count = entries.get(tag, (INT32, 0, 0))
    if kind != INT32:
        raise ValueError("numbers were expected")
    return struct.unpack_from(f">{count}I", data, at)
