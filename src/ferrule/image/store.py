"""Blobs by digest in a folder: written whole or not at all, and verified whenever they are read."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from ferrule.errors import FerruleError, OutputError
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import Digest, digest_of, hex_of

CHUNK = 1 << 20


class Blobs(Protocol):
    """Something that has the content of descriptors: a store, a layout, or a registry behind a store."""

    def path(self, descriptor: Descriptor) -> Path:
        """A local file with exactly the content of the descriptor, verified."""
        ...


class BlobMissingError(FerruleError):
    """The store does not have the blob, or what it has is not what its digest says."""


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
    """A folder laid out like `blobs/` of an OCI layout: `sha256/<hex>`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._verified: set[Digest] = set()

    def find(self, digest: Digest) -> Path | None:
        """The blob's file when it is there, unverified."""
        path = self._place(digest)
        return path if path.is_file() else None

    def path(self, descriptor: Descriptor) -> Path:
        """The blob's file, verified once per run. A wrong one is removed; raises `BlobMissingError`."""
        path = self.find(descriptor.digest)
        if path is None:
            raise BlobMissingError(f"{descriptor.digest} is not in {self.folder}")
        if descriptor.digest not in self._verified:
            if path.stat().st_size != descriptor.size or _digest_of_file(path) != descriptor.digest:
                path.unlink(missing_ok=True)
                raise BlobMissingError(f"{path} is not what its name says; it was removed")
            self._verified.add(descriptor.digest)
        return path

    def put(self, data: bytes) -> Digest:
        """Store bytes that are in memory already."""
        digest = digest_of(data)
        if self.find(digest) is None:
            with self.writer() as blob:
                blob.write(data)
        return digest

    @contextmanager
    def writer(self, *, expect: Descriptor | None = None) -> Iterator[BlobWriter]:
        """Write a new blob: it appears under its digest when the block ends without an exception.

        With `expect`, other content is refused with `BlobMissingError` and thrown away.
        """
        part = self.folder / "sha256" / f".part-{secrets.token_hex(8)}"
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("xb") as stream:
                blob = BlobWriter(stream)
                yield blob
            if expect is not None and (blob.digest, blob.size) != (expect.digest, expect.size):
                raise BlobMissingError(
                    f"got {blob.digest} of {blob.size} bytes, promised was {expect.digest} of {expect.size}"
                )
            part.replace(self._place(blob.digest))
            self._verified.add(blob.digest)
        except OSError as error:
            raise OutputError(
                f"cannot write to {self.folder}: {error.strerror or error}", hint=_disk_hint(error)
            ) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _place(self, digest: Digest) -> Path:
        return self.folder / "sha256" / hex_of(digest)


def _digest_of_file(path: Path) -> Digest:
    with path.open("rb") as stream:
        return Digest(f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}")


def _disk_hint(error: OSError) -> str:
    full = error.errno is not None and os.strerror(error.errno) == "No space left on device"
    return "free some space, or give another place" if full else "check the folder and its permissions"
