"""What the readers of package records have in common: files by all their spellings, and the answer."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

import msgspec

from ferrule.base.entry import FileEntry
from ferrule.elf.files import Files
from ferrule.elf.search import find_file

Places = Mapping[PurePosixPath, tuple[PurePosixPath, ...]]
"""Place in the image → the paths under which the donor has the file."""


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """The records of the packages that own `places`. `names` are `libc6 2.36-9`."""

    places: frozenset[PurePosixPath] = frozenset()
    names: tuple[str, ...] = ()
    entries: tuple[FileEntry, ...] = ()


def spelled(places: Places) -> dict[str, PurePosixPath]:
    """Every path under which a package manager may know a file → its place.

    Each knows one spelling only, with /usr or without, since /lib became a link to /usr/lib.
    """
    return {str(path): place for place, paths in places.items() for path in spellings(paths)}


def spellings(paths: Iterable[PurePosixPath]) -> Iterator[PurePosixPath]:
    """The paths, each also with /usr added or removed."""
    for path in paths:
        below = path.relative_to("/")
        yield path
        yield "/" / (below.relative_to("usr") if below.parts[0] == "usr" else "usr" / below)


def content_of(files: Files, path: PurePosixPath) -> bytes | None:
    """A file of the donor, links followed; None where there is none, or none that we may read."""
    real = find_file(files, path)
    if real is None:
        return None
    try:
        with files.open(real) as stream:
            return stream.read()
    except OSError:
        return None


def copied(files: Files, paths: Iterable[PurePosixPath]) -> Iterator[FileEntry]:
    """Those of the paths that are files of the donor, as plain files."""
    for path in paths:
        content = content_of(files, path)
        if content is not None:
            yield FileEntry(path=path, kind="file", source=content)


def written(path: PurePosixPath, text: str) -> FileEntry:
    """A text as a file of the image."""
    return FileEntry(path=path, kind="file", source=text.encode())
