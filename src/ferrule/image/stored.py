"""Finds one image on a shelf, an OCI layout or what `docker save` writes, and checks its documents.

OCI image specification, section Image Layout; Docker's archive has a `manifest.json` that names files.
"""

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import msgspec

from ferrule.errors import ImageError, InvalidValueError
from ferrule.image.archive import IMAGE_NAME
from ferrule.image.contents import HINT
from ferrule.image.layout import REF_NAME
from ferrule.image.shelf import Shelf, ShelfError, read_document
from ferrule.image.source import ImageSource, LayerSource
from ferrule.oci.descriptor import INDEXES, MANIFESTS, Descriptor
from ferrule.oci.digest import digest_of, hex_of
from ferrule.oci.document import decode
from ferrule.oci.image_config import ImageConfig, parse_image_config
from ferrule.oci.manifest import MAX_LAYERS, choose_manifest, parse_index, parse_manifest
from ferrule.oci.platform import Platform
from ferrule.oci.reference import DEFAULT_REGISTRY

T = TypeVar("T")

INDEX, DOCKER_MANIFEST = "index.json", "manifest.json"
MAX_DEPTH = 4
"""How deep indexes may name indexes."""


class DockerEntry(msgspec.Struct, rename="pascal"):
    """An image in `manifest.json`: files of the archive, and its names."""

    config: str
    layers: tuple[str, ...]
    repo_tags: tuple[str, ...] | None = None


def find_stored(shelf: Shelf, name: str | None, platform: Platform) -> ImageSource:
    """The image under a name (a tag of a layout, any name of an archive), or the only one there is.

    Where it is for several platforms, the one for `platform`. Raises `ImageError`.
    """
    try:
        if shelf.has(INDEX):
            return _in_layout(shelf, name, platform)
        if shelf.has(DOCKER_MANIFEST):
            return _in_archive(shelf, name)
    except InvalidValueError as error:
        raise ShelfError(error.message, hint=error.hint) from error
    raise ShelfError(
        "there is no image in it: neither index.json nor manifest.json",
        hint="an OCI layout has the first, what docker saves the second",
    )


def _in_layout(shelf: Shelf, name: str | None, platform: Platform) -> ImageSource:
    index = parse_index(read_document(shelf, INDEX))
    descriptor = _choose([(_names(entry), entry.digest, entry) for entry in index.manifests], name)
    for _ in range(MAX_DEPTH):
        if descriptor.media_type not in INDEXES:
            break
        below = parse_index(_document(shelf, descriptor))
        descriptor = below.manifests[0] if len(below.manifests) == 1 else choose_manifest(below, platform)
    if descriptor.media_type in INDEXES:
        raise ShelfError(f"its index names indexes in indexes, more than {MAX_DEPTH} deep")
    if descriptor.media_type not in MANIFESTS:
        raise ShelfError(f"it names {descriptor.media_type[:100]!r}, which is no container image")
    manifest = parse_manifest(_document(shelf, descriptor))
    config = parse_image_config(_document(shelf, manifest.config))
    _check_count(len(manifest.layers), config)
    return ImageSource(
        config=config,
        layers=tuple(
            LayerSource(diff_id=diff_id, digest=layer.digest, open=partial(shelf.open, _blob(layer)))
            for layer, diff_id in zip(manifest.layers, config.rootfs.diff_ids, strict=True)
        ),
        digest=descriptor.digest,
        annotations=manifest.annotations,
    )


def _in_archive(shelf: Shelf, name: str | None) -> ImageSource:
    entries = decode(read_document(shelf, DOCKER_MANIFEST), tuple[DockerEntry, ...], DOCKER_MANIFEST)
    entry = _choose([(entry.repo_tags or (), entry.config, entry) for entry in entries], name)
    config = parse_image_config(read_document(shelf, entry.config))
    _check_count(len(entry.layers), config)
    return ImageSource(
        config=config,
        layers=tuple(
            LayerSource(diff_id=diff_id, open=partial(shelf.open, file))
            for file, diff_id in zip(entry.layers, config.rootfs.diff_ids, strict=True)
        ),
    )


def _names(entry: Descriptor) -> tuple[str, ...]:
    """A layout names its images by tag; an archive of docker's also by their whole names."""
    whole = entry.annotations.get(IMAGE_NAME, "")
    short = whole.removeprefix(f"{DEFAULT_REGISTRY}/").removeprefix("library/")
    return tuple(filter(None, (entry.annotations.get(REF_NAME, ""), short, whole)))


def _choose(named: Sequence[tuple[tuple[str, ...], str, T]], wanted: str | None) -> T:
    """Names, what identifies it, and it: the one with the wanted name, or the only one under any names."""
    listed = ", ".join(sorted({names[0] for names, _, _ in named if names})[:10]) or "none with a name"
    if wanted is None:
        if len({identity for _, identity, _ in named}) == 1:
            return named[0][2]
        if not named:
            raise ShelfError("it holds no image")
        raise ShelfError(f"it holds {len(named)} images", hint=f"name one behind a colon: {listed}")
    for names, _, one in named:
        if {wanted, f"{wanted}:latest"} & {*names}:
            return one
    raise ShelfError(f"it has no image {wanted!r}", hint=f"it has {listed}")


def _document(shelf: Shelf, descriptor: Descriptor) -> bytes:
    data = read_document(shelf, _blob(descriptor))
    if digest_of(data) != descriptor.digest:
        raise ShelfError(f"{_blob(descriptor)} is not what its name says")
    return data


def _blob(descriptor: Descriptor) -> str:
    return f"blobs/sha256/{hex_of(descriptor.digest)}"


def _check_count(layers: int, config: ImageConfig) -> None:
    known = len(config.rootfs.diff_ids)
    if layers > MAX_LAYERS:
        raise ImageError(f"the image has {layers} layers, more than any engine takes", hint=HINT)
    if layers != known:
        raise ImageError(f"the image has {layers} layers, and its configuration {known}", hint=HINT)
