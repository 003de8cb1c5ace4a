"""Entries of an image that is not written yet, as a `Files`: they are checked before anything is made."""

import io
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ferrule.base.entry import FileEntry
from ferrule.elf.links import follow


class PlannedFiles:
    """Files and links to files, as ferrule lays them out itself: folders are never links."""

    def __init__(self, entries: Iterable[FileEntry]) -> None:
        self._entries = {entry.path: entry for entry in entries}

    def resolve(self, path: PurePosixPath) -> PurePosixPath | None:
        """The file at the path, or behind the links there."""
        real = follow(path, self._link_at)
        entry = self._entries.get(real) if real is not None else None
        return real if entry is not None and entry.kind == "file" else None

    def _link_at(self, path: PurePosixPath) -> str | None:
        entry = self._entries.get(path)
        return entry.target if entry is not None and entry.kind == "link" else None

    def open(self, path: PurePosixPath) -> BinaryIO:
        """The content that will be written."""
        source = self._entries[path].source
        return source.open("rb") if isinstance(source, Path) else io.BytesIO(source or b"")

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        """The names in the folder, sorted."""
        return tuple(sorted(path.name for path in self._entries if path.parent == folder))
