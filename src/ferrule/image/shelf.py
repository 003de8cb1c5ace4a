"""Where stored images lie: a folder or a tar goes in, the files in it come out by name."""

import io
import os
import posixpath
import stat
from pathlib import Path
from typing import BinaryIO, Protocol

from ferrule.atomic import is_there
from ferrule.errors import ProjectError
from ferrule.image.contents import HINT, Budget, normal
from ferrule.image.untar import FileSource, Member, TarError, members
from ferrule.oci.document import MAX_DOCUMENT_BYTES

MAX_MEMBERS, MAX_NAMES = 20_000, 16 << 20
"""Of an archive, as in `Budget`: each layer of an image has at most three files in it."""

MAX_LINKS = 8

ARCHIVE_HINT = "an archive is what `docker save` or `ferrule build --output docker-archive:FILE` writes"

COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2"}
"""How a compressed archive begins → the program that uncompresses it."""


class ShelfError(ProjectError):
    """It is no folder and no tar of images, it is damaged, or it lacks a file."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint or HINT)


class Shelf(Protocol):
    """Files by name."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def open(self, name: str) -> BinaryIO:
        """The file, from its start. Raises `ShelfError` where there is none."""
        ...


def read_document(shelf: Shelf, name: str) -> bytes:
    """A small file as a whole. Raises `ShelfError`."""
    with shelf.open(name) as stream:
        data = stream.read(MAX_DOCUMENT_BYTES + 1)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise ShelfError(f"{name} is larger than {MAX_DOCUMENT_BYTES >> 20} MiB")
    return data


class FolderShelf:
    """A folder, such as an OCI layout."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        path = self._folder / name
        return is_inside(name) and is_there(path) and path.is_file()

    def open(self, name: str) -> BinaryIO:
        """The file; a pipe or a device in its place is none."""
        path = self._folder / name
        if not is_inside(name):
            raise ShelfError(f"{name[:200]} is not in {self._folder}")
        return _open(path)


class TarShelf:
    """An archive, read where it lies."""

    def __init__(self, file: Path) -> None:
        """Read the headers. Raises `ShelfError` for what is no tar."""
        self._file = file
        self._members: dict[str, Member] = {}
        try:
            with _open(file, hint=ARCHIVE_HINT) as stream:
                self._read(stream)
        except TarError as error:
            raise ShelfError(f"{file} cannot be read: {error}", hint=_hint(file)) from error

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return self._find(name) is not None

    def open(self, name: str) -> BinaryIO:
        """The file's part of the archive."""
        member = self._find(name)
        if member is None:
            raise ShelfError(f"{self._file} has no {name[:200]}", hint="make the archive again")
        return io.BufferedReader(_Section(_open(self._file), member.offset, member.size))

    def _read(self, stream: BinaryIO) -> None:
        budget = Budget(MAX_MEMBERS, MAX_NAMES)
        for member in members(FileSource(stream)):
            budget.take(member)
            self._members[normal(member.name)] = member

    def _find(self, name: str) -> Member | None:
        """The file of the name. Docker writes a layer that it has twice as a link to the first."""
        for _ in range(MAX_LINKS):
            member = self._members.get(name)
            if member is None or member.kind not in ("link", "hard link"):
                return member if member and member.kind == "file" else None
            folder = posixpath.dirname(name) if member.kind == "link" else ""
            name = posixpath.normpath(posixpath.join(folder, member.target))
        return None


def is_inside(name: str) -> bool:
    """Whether a name means a place in its folder: documents name files, and may come from anybody."""
    parts = name.split("/")
    return "\0" not in name and not {"", ".", ".."} & {*parts}


def _open(path: Path, *, hint: str = "") -> BinaryIO:
    """A regular file: a pipe or a device may give bytes for ever, or none."""
    try:
        stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        name = str(path)
        raise ShelfError(f"{name[:200]} cannot be read: {error.strerror}", hint=hint) from error
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise ShelfError(f"{path} is no file", hint=hint)
    return stream


class _Section(io.RawIOBase):
    """A part of a file as a stream of its own."""

    def __init__(self, stream: BinaryIO, offset: int, size: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = size
        stream.seek(offset)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # any writable buffer
        data = self._stream.read(min(self._left, len(buffer)))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _hint(file: Path) -> str:
    with _open(file) as stream:
        begin = stream.read(6)
    for magic, program in COMPRESSED.items():
        if begin.startswith(magic):
            return f"it is compressed: {program} -dc {file.name} > image.tar, and inspect that"
    return ARCHIVE_HINT
