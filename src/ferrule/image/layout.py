"""OCI layouts: a folder with blobs and an index. OCI image specification, section Image Layout."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from ferrule.atomic import appearing, is_there, locked, remove, remove_abandoned
from ferrule.errors import FerruleError, InvalidValueError, OutputError
from ferrule.image.image import Image, Publishable
from ferrule.image.store import PART, BlobMissingError, BlobStore
from ferrule.oci.descriptor import INDEXES, MANIFESTS, Descriptor
from ferrule.oci.digest import hex_of
from ferrule.oci.document import MAX_DOCUMENT_BYTES, decode, encode
from ferrule.oci.image_config import parse_image_config
from ferrule.oci.manifest import Index, choose_manifest, index_of, parse_index, parse_manifest
from ferrule.oci.platform import Platform

REF_NAME = "org.opencontainers.image.ref.name"
MARKER = b'{"imageLayoutVersion":"1.0.0"}'


class LayoutError(InvalidValueError):
    """The folder is no OCI layout, or holds no image under the name."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint or "build, copy or pull the image again")


def write_layout(content: Publishable, folder: Path, tag: str, *, prune: bool = False) -> None:
    """Add an image or an index under a tag; other tags stay. One run at a time writes, the others wait.

    The index is replaced last, so that no reader sees half. It is the one file whose loss nobody could make
    good or even see, so it waits for the disk. With `prune`, the layout is ours alone: what cannot be read in
    it is forgotten, and what its index does not reach is removed.
    """
    write_layouts({tag: content}, folder, prune=prune)


def write_layouts(tagged: Mapping[str, Publishable], folder: Path, *, prune: bool = False) -> None:
    """The same for several, which appear together."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            _write(tagged, folder, prune=prune)
    except OSError as error:
        raise OutputError(
            f"cannot write the layout {folder}: {error.strerror}", hint="check the folder and its space"
        ) from error


def read_layout(folder: Path, tag: str | None, platform: Platform) -> Image:
    """The image under a tag, or the only one. Raises `LayoutError` with the reason."""
    index = folder / "index.json"
    if not (is_there(index) and index.is_file()):
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
        raise LayoutError(f"the layout {folder} is damaged: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise LayoutError(
            f"cannot read the layout {folder}: {error.strerror}", hint="check the permissions in it"
        ) from error
    return Image(
        descriptor=descriptor,
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        config=config,
        config_bytes=config_bytes,
        blobs=store,
    )


def _write(tagged: Mapping[str, Publishable], folder: Path, *, prune: bool) -> None:
    store = BlobStore(folder / "blobs")
    remove_abandoned(store.subfolder("sha256"), PART)
    index = _readable(folder, store) if prune else _read_index(folder)
    for tag, content in tagged.items():
        index = _with(index, content.descriptor, tag)
        for image in content.images:
            for descriptor in (image.manifest.config, *image.layers):
                _copy_blob(image, descriptor, store)
            store.put(image.manifest_bytes)
        store.put(content.document)
    document = encode(index) if prune else _with_foreign(folder, index)
    for name, text in (("oci-layout", MARKER), ("index.json", document)):
        path = folder / name
        if not (path.is_file() and path.read_bytes() == text):
            with appearing(path, lasting=True) as part:
                part.write_bytes(text)
        remove_abandoned(folder, f".{name}{PART}")
    if prune:
        _prune(store, index)


def _copy_blob(image: Image, descriptor: Descriptor, store: BlobStore) -> None:
    """What lies there already is read: an older run may have ended with the power."""
    with suppress(BlobMissingError):
        store.path(descriptor)
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
    return msgspec.structs.replace(index, manifests=(*others, named))


def _with_foreign(folder: Path, index: Index) -> bytes:
    """The index with all that other tools say in the one there: types of artifacts, annotations, data."""
    path = folder / "index.json"
    old = msgspec.json.decode(path.read_bytes()) if path.is_file() else {}
    said = list(zip(_read_index(folder).manifests, old.get("manifests", ()), strict=True))
    entries = []
    for entry in index.manifests:
        known = next((pair for pair in said if pair[0] == entry), None)
        if known is not None:
            said.remove(known)
        entries.append(known[1] if known else entry)
    return msgspec.json.encode({**old, **msgspec.to_builtins(index), "manifests": entries})


def _choose(index: Index, tag: str | None, folder: Path) -> Descriptor:
    named = {entry.annotations.get(REF_NAME, ""): entry for entry in index.manifests}
    if tag is not None:
        if tag not in named:
            raise LayoutError(
                f"{folder} has no image {tag!r}", hint=f"it has {', '.join(sorted(named)) or 'none'}"
            )
        return named[tag]
    if len({entry.digest for entry in index.manifests}) != 1:
        listed = ", ".join(sorted(named)) or "none"
        raise LayoutError(
            f"{folder} holds {len(index.manifests)} images", hint=f"name one behind a colon: {listed}"
        )
    return index.manifests[0]


def _readable(folder: Path, store: BlobStore) -> Index:
    """The entries whose own document is there and whole."""
    try:
        index = _read_index(folder)
    except (FerruleError, OSError):
        return index_of(())
    whole = tuple(entry for entry in index.manifests if _parts(store, entry) is not None)
    return msgspec.structs.replace(index, manifests=whole)


def _prune(store: BlobStore, index: Index) -> None:
    reached: set[str] = set()
    waiting = list(index.manifests)
    while waiting:
        entry = waiting.pop()
        if hex_of(entry.digest) not in reached:
            reached.add(hex_of(entry.digest))
            waiting += _parts(store, entry) or ()
    for path in (store.folder / "sha256").iterdir():
        if path.name not in reached:
            remove(path)


class _Names(msgspec.Struct):
    """Whatever a manifest or an index names, also those of artifacts that are no container images."""

    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()


def _parts(store: BlobStore, entry: Descriptor) -> tuple[Descriptor, ...] | None:
    """What a document names, nothing for a blob, and None for a document that cannot be read."""
    if entry.media_type not in (*MANIFESTS, *INDEXES):
        return ()
    try:
        names = decode(_read(store, entry), _Names, "the document")
    except (FerruleError, OSError):
        return None
    return (*((names.config,) if names.config else ()), *names.layers, *names.manifests)
