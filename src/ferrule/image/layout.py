"""OCI layouts: a folder with blobs and an index. OCI image specification, section Image Layout."""

import shutil
from pathlib import Path

from ferrule.atomic import appearing
from ferrule.errors import InvalidValueError, OutputError
from ferrule.image.image import Image
from ferrule.image.store import BlobMissingError, BlobStore
from ferrule.oci.descriptor import INDEXES, MANIFESTS, Descriptor
from ferrule.oci.digest import Digest, hex_of
from ferrule.oci.document import MAX_DOCUMENT_BYTES, encode
from ferrule.oci.image_config import parse_image_config
from ferrule.oci.manifest import Index, choose_manifest, index_of, parse_index, parse_manifest
from ferrule.oci.platform import Platform

REF_NAME = "org.opencontainers.image.ref.name"
MARKER = b'{"imageLayoutVersion":"1.0.0"}'


class LayoutError(InvalidValueError):
    """The folder is no OCI layout, or holds no image under the name."""


def write_layout(image: Image, folder: Path, tag: str, *, prune: bool = False) -> None:
    """Add the image under a tag; other tags stay. The index is replaced last, so that no reader sees half.

    With `prune`, blobs that the index does not reach any more are removed afterwards.
    """
    try:
        store = BlobStore(folder / "blobs")
        for descriptor in (image.manifest.config, *image.layers):
            _copy_blob(image, descriptor, store)
        store.put(image.manifest_bytes)
        (folder / "oci-layout").write_bytes(MARKER)
        index = _with(_read_index(folder), image.descriptor, tag)
        with appearing(folder / "index.json") as part:
            part.write_bytes(encode(index))
        if prune:
            _prune(folder, index)
    except OSError as error:
        raise OutputError(
            f"cannot write the layout {folder}: {error.strerror}", hint="check the folder and its space"
        ) from error


def read_layout(folder: Path, tag: str | None, platform: Platform) -> Image:
    """The image under a tag, or the only one. Raises `LayoutError` with the reason."""
    if not (folder / "index.json").is_file():
        raise LayoutError(f"{folder} is no OCI layout", hint="an OCI layout has index.json and blobs/")
    store = BlobStore(folder / "blobs")
    try:
        descriptor = _choose(_read_index(folder), tag, folder)
        if descriptor.media_type in INDEXES:
            descriptor = choose_manifest(parse_index(_read(store, descriptor)), platform)
        manifest_bytes = _read(store, descriptor)
        manifest = parse_manifest(manifest_bytes)
        config_bytes = _read(store, manifest.config)
        config = parse_image_config(config_bytes)
    except LayoutError:
        raise
    except (BlobMissingError, InvalidValueError) as error:
        hint = error.hint or "copy or build it again"
        raise LayoutError(f"the layout {folder} is damaged: {error.message}", hint=hint) from error
    return Image(
        descriptor=descriptor,
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        config=config,
        config_bytes=config_bytes,
        blobs=store,
    )


def _copy_blob(image: Image, descriptor: Descriptor, store: BlobStore) -> None:
    if store.find(descriptor.digest) is not None:
        return
    if descriptor.digest == image.manifest.config.digest:
        store.put(image.config_bytes)
        return
    source = image.blobs.path(descriptor)
    with store.writer(expect=descriptor) as blob, source.open("rb") as stream:
        shutil.copyfileobj(stream, blob, 1 << 20)


def _read(store: BlobStore, descriptor: Descriptor) -> bytes:
    if descriptor.size > MAX_DOCUMENT_BYTES:
        raise LayoutError(f"a document of {descriptor.size} bytes is too large to be a manifest")
    return store.path(descriptor).read_bytes()


def _read_index(folder: Path) -> Index:
    path = folder / "index.json"
    if not path.is_file():
        return index_of(())
    if path.stat().st_size > MAX_DOCUMENT_BYTES:
        raise LayoutError(f"{path} is too large to be an index")
    return parse_index(path.read_bytes())


def _with(index: Index, descriptor: Descriptor, tag: str) -> Index:
    named = Descriptor(
        media_type=descriptor.media_type,
        digest=descriptor.digest,
        size=descriptor.size,
        annotations={REF_NAME: tag},
    )
    others = tuple(entry for entry in index.manifests if entry.annotations.get(REF_NAME) != tag)
    return index_of((*others, named))


def _choose(index: Index, tag: str | None, folder: Path) -> Descriptor:
    named = {entry.annotations.get(REF_NAME, ""): entry for entry in index.manifests}
    if tag is not None:
        if tag not in named:
            raise LayoutError(
                f"{folder} has no image {tag!r}", hint=f"it has {', '.join(sorted(named)) or 'none'}"
            )
        return named[tag]
    if len(index.manifests) != 1:
        listed = ", ".join(sorted(named)) or "none"
        raise LayoutError(
            f"{folder} holds {len(index.manifests)} images", hint=f"name one behind a colon: {listed}"
        )
    return index.manifests[0]


def _prune(folder: Path, index: Index) -> None:
    store = BlobStore(folder / "blobs")
    reached: set[str] = set()
    for entry in index.manifests:
        reached.add(hex_of(entry.digest))
        if entry.media_type in MANIFESTS:
            manifest = parse_manifest(_read(store, entry))
            reached |= {hex_of(Digest(part.digest)) for part in (manifest.config, *manifest.layers)}
    for path in (folder / "blobs" / "sha256").iterdir():
        if path.name not in reached:
            path.unlink(missing_ok=True)
