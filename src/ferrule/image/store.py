"""Blobs by digest in a folder: written whole or not at all, and verified whenever they are read."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from ferrule.atomic import remove, unfinished
from ferrule.errors import FerruleError, OutputError
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import Digest, digest_of, hex_of

PART = ".part-"
"""How the names of unfinished blobs begin."""

PRIVATE = 0o700


class Blobs(Protocol):
    """Something that has the content of descriptors: a store, a layout, or a registry behind a store."""

    def path(self, descriptor: Descriptor) -> Path:
        """A local file with exactly the content of the descriptor, verified."""
        ...


class BlobMissingError(FerruleError):
    """The store does not have the blob, or what it has is not what its digest says."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint or "build, copy or pull the image again")


class BlobWriter:
    """A blob being written; nobody sees it before `commit`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        """Append; the digest is taken on the way."""
        self._stream.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    @property
    def digest(self) -> Digest:
        """The digest of what has been written so far."""
        return Digest(f"sha256:{self._hash.hexdigest()}")


class BlobStore:
    """A folder laid out like `blobs/` of an OCI layout: `sha256/<hex>`.

    Nothing waits for the disk: a power cut may leave a blob that is not what its name says, as a broken disk
    may, and that is found where it is read.
    """

    def __init__(self, folder: Path, *, cache: bool = False) -> None:
        """A `cache` is nobody else's to read, removes what is wrong, and notes when a blob was last used."""
        self.folder = folder
        self._cache = cache
        self._verified: set[Digest] = set()

    def subfolder(self, name: str) -> Path:
        """A folder beside or for the blobs, made if it is not there."""
        path = self.folder / name
        if self._cache:
            self.folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        path.mkdir(mode=PRIVATE if self._cache else 0o777, parents=True, exist_ok=True)
        return path

    def find(self, digest: Digest) -> Path | None:
        """The blob's file when it is there, unverified."""
        path = self._place(digest)
        if not path.is_file() or (self._cache and path.is_symlink()):
            return None
        if self._cache:
            with suppress(OSError):
                os.utime(path)  # the time of the last access is not kept on most machines
        return path

    def path(self, descriptor: Descriptor) -> Path:
        """The blob's file, verified once per run. Raises `BlobMissingError`; a cache removes a wrong one."""
        path = self.find(descriptor.digest)
        if path is None:
            raise BlobMissingError(f"{descriptor.digest} is not in {self.folder}")
        if descriptor.digest not in self._verified:
            if not _is_as_promised(path, descriptor):
                removed = "; it was removed" if self._discard(path) else ""
                raise BlobMissingError(f"{path} is not what its name says{removed}")
            self._verified.add(descriptor.digest)
        return path

    def put(self, data: bytes) -> Digest:
        """Store bytes that are in memory already. A file of another content in their place is replaced."""
        digest = digest_of(data)
        path = self.find(digest)
        if path is None or not _holds(path, data):
            with self.writer() as blob:
                blob.write(data)
        return digest

    @contextmanager
    def writer(self, *, expect: Descriptor | None = None) -> Iterator[BlobWriter]:
        """Write a new blob: it appears under its digest when the block ends without an exception.

        With `expect`, other content is refused with `BlobMissingError` and thrown away.
        """
        try:
            folder = self.subfolder("sha256")
            with unfinished(folder, PART, 0o600 if self._cache else 0o666) as (part, stream):
                blob = BlobWriter(stream)
                yield blob
                _check(blob, expect)
                stream.flush()
                place = self._place(blob.digest)
                if place.is_dir():
                    remove(place)
                part.replace(place)
            self._verified.add(blob.digest)
        except OSError as error:
            raise OutputError(
                f"cannot write to {self.folder}: {error.strerror or error}", hint=_disk_hint(error)
            ) from error

    def _place(self, digest: Digest) -> Path:
        return self.folder / "sha256" / hex_of(digest)

    def _discard(self, path: Path) -> bool:
        """Whether the file is gone: what is not ours to tidy stays, for its owner to look at."""
        if not self._cache:
            return False
        with suppress(OSError):
            path.unlink(missing_ok=True)
            return True
        return False


def _is_as_promised(path: Path, descriptor: Descriptor) -> bool:
    """Whether the file can be read and is what the descriptor says."""
    try:
        if path.stat().st_size != descriptor.size:
            return False
        with path.open("rb") as stream:
            return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}" == descriptor.digest
    except OSError:
        return False


def _check(blob: BlobWriter, expect: Descriptor | None) -> None:
    if expect is not None and (blob.digest, blob.size) != (expect.digest, expect.size):
        raise BlobMissingError(
            f"got {blob.digest} of {blob.size} bytes, promised was {expect.digest} of {expect.size}"
        )


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _disk_hint(error: OSError) -> str:
    full = error.errno is not None and os.strerror(error.errno) == "No space left on device"
    return "free some space, or give another place" if full else "check the folder and its permissions"
