"""A tree of files that libraries are looked up in: this machine, a folder, or the layers of an image."""

from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from ferrule.elf.links import follow


class Files(Protocol):
    """Read-only view of a root file system. Paths are absolute; links are followed inside the tree only."""

    def resolve(self, path: PurePosixPath) -> PurePosixPath | None:
        """The real path of a regular file after all links (also of folders on the way), or None."""
        ...

    def open(self, path: PurePosixPath) -> BinaryIO:
        """The content of a regular file, seekable; `path` as `resolve` gave it."""
        ...

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        """The sorted names in a folder; empty when there is no such folder."""
        ...


class LocalFiles:
    """The files of this machine, or of a folder on it taken as a root."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def resolve(self, path: PurePosixPath) -> PurePosixPath | None:
        """Follow links by hand, so that absolute links of a folder's tree stay in it."""
        real = self._follow(path)
        return real if real is not None and self._on_disk(real).is_file() else None

    def open(self, path: PurePosixPath) -> BinaryIO:
        """The file's content."""
        return self._on_disk(path).open("rb")

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        """The folder's names, sorted."""
        real = self._follow(folder)
        if real is None or not self._on_disk(real).is_dir():
            return ()
        return tuple(sorted(entry.name for entry in self._on_disk(real).iterdir()))

    def _on_disk(self, path: PurePosixPath) -> Path:
        return self.root / path.relative_to("/")

    def _follow(self, path: PurePosixPath) -> PurePosixPath | None:
        return follow(path, self._link_at)

    def _link_at(self, path: PurePosixPath) -> str | None:
        here = self._on_disk(path)
        return str(here.readlink()) if here.is_symlink() else None
