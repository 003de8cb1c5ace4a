"""Entries go in, a tar stream comes out whose bytes depend on the entries alone (PAX format, sorted)."""

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from ferrule.base.entry import FileEntry
from ferrule.capability import ATTRIBUTE_RECORD, to_attribute
from ferrule.errors import ProjectError
from ferrule.image.gzip import Sink

BLOCK = 512
CHUNK = 1 << 20
END = bytes(2 * BLOCK)
KINDS = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


def write_tar(entries: Iterable[FileEntry], sink: Sink, *, mtime: int) -> None:
    """Write the entries in the order of their paths. Owners are numbers, times are all `mtime` (seconds)."""
    for entry in sorted(entries, key=lambda entry: entry.path.parts):
        if isinstance(entry.source, Path):
            _write_file(entry, entry.source, sink, mtime)
        else:
            data = entry.source or b""
            sink.write(_header(entry, len(data), mtime))
            sink.write(data)
            sink.write(_padding(len(data)))
    sink.write(END)


def _write_file(entry: FileEntry, source: Path, sink: Sink, mtime: int) -> None:
    size, written = _size(source), 0
    sink.write(_header(entry, size, mtime))
    for chunk in _chunks(source):
        written += len(chunk)
        sink.write(chunk)
    if written != size:
        raise ProjectError(f"{source} changed while it was read", hint="try again when nothing writes to it")
    sink.write(_padding(size))


def _size(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError as error:
        raise _unreadable(source, error) from error


def _chunks(source: Path) -> Iterator[bytes]:
    """The file's content. What goes wrong where it is written is not the file's fault."""
    try:
        with source.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Path, error: OSError) -> ProjectError:
    return ProjectError(f"cannot read {source}: {error.strerror}", hint="check the file and its permissions")


def _header(entry: FileEntry, size: int, mtime: int) -> bytes:
    info = tarfile.TarInfo(str(entry.path).lstrip("/"))
    info.type = KINDS[entry.kind]
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    info.size = size if entry.kind == "file" else 0
    info.linkname = entry.target or ""
    info.mtime = mtime
    if entry.capabilities:
        value = to_attribute(entry.capabilities)
        info.pax_headers = {ATTRIBUTE_RECORD: value.decode("utf-8", "surrogateescape")}
    # Python's own default is the locale's encoding.
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def content_size(entries: Iterable[FileEntry]) -> int:
    """The bytes of all files, without what the archive adds around them."""
    return sum(
        _size(entry.source) if isinstance(entry.source, Path) else len(entry.source or b"")
        for entry in entries
    )


def with_parents(
    entries: Iterable[FileEntry], present: frozenset[PurePosixPath] = frozenset()
) -> Iterator[FileEntry]:
    """The entries and the folders above them (0755, root) that are neither entries nor `present` below.

    A folder that the base has is left out: writing it again could replace a link such as /lib.
    """
    entries = tuple(entries)
    known = {entry.path for entry in entries} | present | {PurePosixPath("/")}
    yield from entries
    for entry in entries:
        for parent in entry.path.parents:
            if parent not in known:
                known.add(parent)
                yield FileEntry(path=parent, kind="dir", mode=0o755)
