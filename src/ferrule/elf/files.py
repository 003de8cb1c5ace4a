"""A tree of files that libraries are looked up in: this machine, a folder, or the layers of an image."""

from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol


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
        real = _follow(self.root, path)
        return real if real is not None and self._on_disk(real).is_file() else None

    def open(self, path: PurePosixPath) -> BinaryIO:
        """The file's content."""
        return self._on_disk(path).open("rb")

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        """The folder's names, sorted."""
        real = _follow(self.root, folder)
        if real is None or not self._on_disk(real).is_dir():
            return ()
        return tuple(sorted(entry.name for entry in self._on_disk(real).iterdir()))

    def _on_disk(self, path: PurePosixPath) -> Path:
        return self.root / path.relative_to("/")


MAX_LINKS = 40
"""As the kernel has it: more links than this on one path are a loop."""


def _follow(root: Path, path: PurePosixPath) -> PurePosixPath | None:
    real = PurePosixPath("/")
    parts = list(reversed(path.parts[1:]))
    links = 0
    while parts:
        part = parts.pop()
        if part == "..":
            real = real.parent
            continue
        here = root / (real / part).relative_to("/")
        if here.is_symlink():
            links += 1
            if links > MAX_LINKS:
                return None
            target = PurePosixPath(here.readlink())
            if target.is_absolute():
                real = PurePosixPath("/")
            parts.extend(reversed([piece for piece in target.parts if piece.strip("/")]))
        else:
            real = real / part
    return real
