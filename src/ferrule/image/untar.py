"""A tar goes in, its members come out one by one; contents are passed over. POSIX pax, ustar and GNU forms.

A layer has one reading: what tar readers see in different ways (sparse files, unknown types, a NUL in a
name) is refused. Nothing is written, and no number in a header is believed before the bytes are there.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import msgspec

from ferrule.capability import ATTRIBUTE_RECORD, from_attribute

BLOCK = 512
MAX_RECORDS = 1 << 20
"""Longest extended header, in bytes."""
MAX_NAME = 4096
"""As long as a path may be for the kernel, in bytes."""

Kind = Literal["file", "dir", "link", "hard link", "fifo", "device"]
KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "hard link",
    b"2": "link",
    b"3": "device",
    b"4": "device",
    b"5": "dir",
    b"6": "fifo",
}
RECORDS = (b"path", b"linkpath", b"size", b"uid", b"gid", ATTRIBUTE_RECORD.encode())
PAX, PAX_GLOBAL, GNU_NAME, GNU_TARGET = b"x", b"g", b"L", b"K"


class TarError(ValueError):
    """It is no tar, it is cut short, or readers would not agree on what it holds."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, named as the tar names it. `size` and `offset` are of the content, in bytes.

    `target` is what a link says, and the name of the other file for a hard link. `capabilities` are what the
    kernel permits the program, by name.
    """

    name: str
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    target: str = ""
    offset: int = 0
    capabilities: tuple[str, ...] = ()


class Source(Protocol):
    """Bytes in one direction."""

    @property
    def position(self) -> int:
        """How many bytes have gone by."""
        ...

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""
        ...

    def skip(self, size: int) -> bool:
        """Pass over bytes; whether there were as many."""
        ...


class FileSource:
    """A file as a `Source`, from where it stands to its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.position = stream.tell()
        self._end = stream.seek(0, os.SEEK_END)
        stream.seek(self.position)

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""
        data = self._stream.read(size)
        self.position += len(data)
        return data

    def skip(self, size: int) -> bool:
        """Pass over bytes; whether there were as many."""
        self.position += size
        if self.position <= self._end:
            self._stream.seek(self.position)
        return self.position <= self._end


class _Ahead(msgspec.Struct):
    """What extended headers say about the member that follows them."""

    records: dict[str, str] = {}

    def number(self, key: str, otherwise: int) -> int:
        text = self.records.get(key)
        if text is None:
            return otherwise
        if not (text.isascii() and text.isdigit()) or len(text) > 19:
            raise TarError(f"an extended header says {key} {text[:40]!r}")
        return int(text)


def looks_like_tar(file: Path) -> bool:
    """Whether a file begins like a tar, or like one that is compressed."""
    with file.open("rb") as stream:
        begin = stream.read(BLOCK)
    return begin[257:].startswith(b"ustar") or begin.startswith(b"\x1f\x8b")


def members(source: Source) -> Iterator[Member]:
    """Every member in order. The content of the last one may be read until the next is asked for.

    Raises `TarError`; what stands behind the end mark is not looked at.
    """
    ahead, start = _Ahead(), source.position
    while (block := _block(source)) is not None:
        kind = block[156:157]
        if kind in (PAX, PAX_GLOBAL, GNU_NAME, GNU_TARGET):
            _extend(ahead, kind, _content(source, _number(block[124:136], "size")))
            continue
        member = _member(block, ahead, source.position)
        yield member
        rest = member.offset + member.size + -member.size % BLOCK - source.position
        if not source.skip(rest):
            raise TarError("it is cut short")
        ahead = _Ahead()
    if source.position == start:
        raise TarError("it is empty")
    if ahead.records:
        raise TarError("it ends behind an extended header")


def _block(source: Source) -> bytes | None:
    block = source.read(BLOCK)
    if not block or block.count(0) == BLOCK:
        return None
    if len(block) < BLOCK:
        raise TarError("it is cut short")
    # The sum counts its own field as blanks.
    total = sum(block) - sum(block[148:156]) + 8 * 0x20
    if block[148:156].strip(b" \0").lstrip(b"0") != b"%o" % total:
        raise TarError("a header in it is damaged, or it is no tar")
    return block


def _content(source: Source, size: int) -> bytes:
    if size > MAX_RECORDS:
        raise TarError("an extended header in it is too long")
    data = source.read(size)
    if len(data) < size or not source.skip(-size % BLOCK):
        raise TarError("it is cut short")
    return data


def _extend(ahead: _Ahead, kind: bytes, data: bytes) -> None:
    if kind == GNU_NAME:
        ahead.records["path"] = _text(data)
    elif kind == GNU_TARGET:
        ahead.records["linkpath"] = _text(data)
    elif kind == PAX:
        ahead.records.update(_records(data))
    elif dict(_records(data)):
        # Python's reader obeys it, Go's does not.
        raise TarError("an extended header in it says the same of all files that follow")


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """POSIX pax, section pax Extended Header: `LENGTH KEY=VALUE` and a line feed, the length of all of it."""
    position = 0
    while position < len(data):
        length, blank, _ = data[position : position + 20].partition(b" ")
        end = position + int(length) if blank and length.isdigit() else 0
        if end <= position + len(length) + 1 or end > len(data) or data[end - 1] != 0x0A:
            raise TarError("an extended header in it is damaged")
        key, equals, value = data[position + len(length) + 1 : end - 1].partition(b"=")
        if not equals:
            raise TarError("an extended header in it is damaged")
        if key.startswith(b"GNU.sparse."):
            raise TarError("it has a sparse file, whose size says nothing about the layer's")
        if key in RECORDS:
            yield key.decode(), value.decode("utf-8", "surrogateescape")
        position = end


def _member(block: bytes, ahead: _Ahead, offset: int) -> Member:
    name = ahead.records.get("path") or _name(block)
    target = ahead.records.get("linkpath") or _text(block[157:257])
    _check_name(name)
    _check_name(target)
    size = ahead.number("size", _number(block[124:136], "size"))
    kind = _kind(block[156:157], name, size)
    return Member(
        name=name,
        kind=kind,
        mode=_number(block[100:108], "mode") & 0o7777,
        uid=ahead.number("uid", _number(block[108:116], "owner")),
        gid=ahead.number("gid", _number(block[116:124], "group")),
        size=size if kind == "file" else 0,
        target=target if kind in ("link", "hard link") else "",
        offset=offset,
        capabilities=_capabilities(ahead) if kind == "file" else (),
    )


def _capabilities(ahead: _Ahead) -> tuple[str, ...]:
    value = ahead.records.get(ATTRIBUTE_RECORD)
    if value is None:
        return ()
    try:
        return from_attribute(value.encode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise TarError(str(error)) from error


def _kind(flag: bytes, name: str, size: int) -> Kind:
    if flag == b"S":
        raise TarError("it has a sparse file, whose size says nothing about the layer's")
    if flag not in KINDS:
        raise TarError(f"it has an entry of the type {flag!r}, which no layer has")
    if KINDS[flag] != "file" or not name.endswith("/"):
        return KINDS[flag]
    # Before there was a type for folders, a slash at the end of the name said so.
    if size or flag != b"\0":
        raise TarError("it has a file whose name ends as a folder's does: readers do not agree on that")
    return "dir"


def _name(block: bytes) -> str:
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    name = _text(block[:100])
    return f"{prefix}/{name}" if prefix else name


def _check_name(name: str) -> None:
    if "\0" in name:
        raise TarError("a name in it has a NUL character")
    if len(name.encode("utf-8", "surrogateescape")) > MAX_NAME:
        raise TarError(f"a name in it is longer than {MAX_NAME} bytes")


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(data: bytes, what: str) -> int:
    """Octal digits between blanks and NULs; or, as GNU has it for larger ones, binary behind a set bit."""
    if data[0] & 0x80:
        number = int.from_bytes(data, "big") & ~(0x80 << 8 * (len(data) - 1))
        if data[0] & 0x40 or number >= 1 << 63:
            raise TarError(f"in a header of it the {what} is below zero or beyond all bounds")
        return number
    digits = data.strip(b" \0")
    if digits.strip(b"01234567"):
        raise TarError(f"a header in it has the {what} {digits[:20]!r}")
    return int(digits or b"0", 8)
