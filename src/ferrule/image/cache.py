"""The user's own blobs between runs: locked while a run uses them, and kept below a limit afterwards."""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import msgspec

from ferrule.atomic import remove, remove_abandoned, scratch
from ferrule.errors import OutputError
from ferrule.image.store import PRIVATE, BlobStore

BLOBS = "sha256"
LOCK = ".lock"
DEFAULT_LIMIT = 2 << 30
"""Bytes: some hundred builds of a service and a dozen bases, and less than cargo keeps for itself."""


class _Blob(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the cache; `used` in nanoseconds since 1970."""

    path: Path
    size: int
    used: int


class Cache:
    """A folder with blobs, notes about them, and scratch folders.

    Every run that has opened it holds a shared lock. What was used longest ago is removed under an exclusive
    one, which is never waited for: as long as another run works, nothing is removed.
    """

    def __init__(self, folder: Path, *, limit: int = DEFAULT_LIMIT) -> None:
        """`limit` is the most bytes of blobs that stay after a run."""
        self._blobs = folder / "blobs"
        self._scratch = folder / "tmp"
        self._limit = limit
        self._store = BlobStore(self._blobs, cache=True)
        self._held: int | None = None

    def open(self) -> BlobStore:
        """The blobs, all of which stay until `close`. Raises `OutputError` when they cannot be private."""
        if self._held is None:
            try:
                _make_private(self._blobs)
                held = os.open(self._blobs / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
                # Waits for a run that tidies: some milliseconds.
                _lock(held, fcntl.LOCK_SH)
            except OSError as error:
                raise OutputError(
                    f"cannot use the cache {self._blobs}: {error.strerror}", hint="set FERRULE_CACHE_DIR"
                ) from error
            self._held = held
        return self._store

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for large files of the moment; a later run removes what a killed one left."""
        return scratch(self._scratch)

    def close(self) -> None:
        """The end of this run's use: tidy, unless another run is at work. Never fails."""
        if self._held is None:
            return
        held, self._held = self._held, None
        self._store = BlobStore(self._blobs, cache=True)
        try:
            with suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._tidy(held)
        finally:
            os.close(held)

    def _tidy(self, held: int) -> None:
        """Under the exclusive lock, whose file holds the state that was left: the same needs no work."""
        remove_abandoned(self._scratch, "")
        if os.pread(held, 4096, 0) == self._state():
            return
        blobs = sorted(_blobs(self._blobs / BLOBS), key=lambda blob: blob.used)
        total = sum(blob.size for blob in blobs)
        for blob in blobs:
            if total <= self._limit:
                break
            remove(blob.path)
            total -= blob.size
        for folder in _folders(self._blobs):
            if folder.name != BLOBS:
                _remove_spare_notes(folder, self._blobs / BLOBS)
        os.ftruncate(held, 0)
        os.pwrite(held, self._state(), 0)

    def _state(self) -> bytes:
        """The limit, and when something was last added to or removed from each folder."""
        times = sorted((folder.name, folder.stat().st_mtime_ns) for folder in _folders(self._blobs))
        return json.dumps([self._limit, times]).encode()


def _make_private(folder: Path) -> None:
    """The folder and those in it, for this user alone, whatever the umask and whoever made them before."""
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    for place in (folder, *_folders(folder)):
        if stat.S_IMODE(place.stat().st_mode) != PRIVATE:
            place.chmod(PRIVATE)


def _folders(folder: Path) -> tuple[Path, ...]:
    with os.scandir(folder) as entries:
        return tuple(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _blobs(folder: Path) -> Iterator[_Blob]:
    """Every blob; what is none is removed on the way, as nobody writes under an exclusive lock."""
    for path in tuple(folder.iterdir()):
        facts = path.lstat()
        if len(path.name) == 64 and stat.S_ISREG(facts.st_mode):
            yield _Blob(path=path, size=facts.st_size, used=facts.st_mtime_ns)
        else:
            remove(path)


def _remove_spare_notes(folder: Path, blobs: Path) -> None:
    """Notes about blobs that are gone, and whatever else is no note."""
    for note in tuple(folder.iterdir()):
        try:
            known = not note.is_symlink() and note.is_file() and json.loads(note.read_bytes())["digest"]
            if known and (blobs / known.removeprefix("sha256:")).is_file():
                continue
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            pass
        remove(note)


def _lock(held: int, how: int) -> None:
    with suppress(OSError):  # a file system without locks: `close` finds that too, and removes nothing
        fcntl.flock(held, how)
