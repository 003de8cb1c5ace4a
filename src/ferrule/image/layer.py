"""A layer: entries go in, a compressed blob in the store comes out; made once for the same content."""

import hashlib
import json

import msgspec

from ferrule.atomic import appearing, remove
from ferrule.base.entry import FileEntry
from ferrule.image.gzip import COMPRESSOR, GzipWriter
from ferrule.image.store import BlobMissingError, BlobStore
from ferrule.image.tar import write_tar
from ferrule.oci.descriptor import LAYER_GZIP, Descriptor
from ferrule.oci.digest import Digest, hex_of, parse_digest


class LayerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a layer is to hold. `title` is the line that `docker history` shows."""

    title: str
    entries: tuple[FileEntry, ...]


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A finished layer. `diff_id` is of the uncompressed tar, which has `size` bytes."""

    title: str
    descriptor: Descriptor
    diff_id: Digest
    size: int


class _Measure:
    """A sink that keeps nothing but length and digest."""

    def __init__(self, onward: "GzipWriter | None" = None) -> None:
        self._hash = hashlib.sha256()
        self._onward = onward
        self.size = 0

    def write(self, data: bytes | memoryview, /) -> int:
        self._hash.update(data)
        self.size += len(data)
        if self._onward is not None:
            self._onward.write(data)
        return len(data)

    @property
    def diff_id(self) -> Digest:
        return Digest(f"sha256:{self._hash.hexdigest()}")


def make_layer(spec: LayerSpec, store: BlobStore, *, mtime: int) -> Layer:
    """Write the layer into the store, or find it there: an unchanged layer is hashed but not compressed."""
    measured = _Measure()
    write_tar(spec.entries, measured, mtime=mtime)
    known = _recall(store, measured.diff_id)
    if known is not None:
        return Layer(title=spec.title, descriptor=known, diff_id=measured.diff_id, size=measured.size)
    with store.writer() as blob, GzipWriter(blob) as compressed:
        # Hashed again: the files may have changed since the first pass.
        measured = _Measure(compressed)
        write_tar(spec.entries, measured, mtime=mtime)
    descriptor = Descriptor(media_type=LAYER_GZIP, digest=blob.digest, size=blob.size)
    _remember(store, measured.diff_id, descriptor)
    return Layer(title=spec.title, descriptor=descriptor, diff_id=measured.diff_id, size=measured.size)


def _recall(store: BlobStore, diff_id: Digest) -> Descriptor | None:
    try:
        known = json.loads((store.folder / COMPRESSOR / hex_of(diff_id)).read_bytes())
        digest = parse_digest(known["digest"])
        descriptor = Descriptor(media_type=LAYER_GZIP, digest=digest, size=known["size"])
        store.path(descriptor)
    except (OSError, ValueError, KeyError, TypeError, BlobMissingError):
        return None
    return descriptor


def _remember(store: BlobStore, diff_id: Digest, descriptor: Descriptor) -> None:
    note = store.subfolder(COMPRESSOR) / hex_of(diff_id)
    if note.is_dir():
        remove(note)
    with appearing(note) as part:
        part.write_text(json.dumps({"digest": descriptor.digest, "size": descriptor.size}))
