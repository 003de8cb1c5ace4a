"""Manifests and indexes. OCI image specification, sections Image Manifest and Image Index."""

from collections.abc import Mapping

import msgspec

from ferrule.errors import InvalidValueError
from ferrule.oci.descriptor import CONFIG, DOCKER_CONFIG, INDEX, LAYERS, MANIFEST, MANIFESTS, Descriptor
from ferrule.oci.document import decode
from ferrule.oci.platform import Platform

MAX_LAYERS = 500
"""Docker takes 125 and overlayfs 500; more layers are no image but a trap."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One image for one platform: its configuration and its layers, bottom first."""

    schema_version: int
    media_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = {}


class Index(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Several manifests under one name, usually one per platform."""

    schema_version: int
    media_type: str = ""
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = {}


def manifest_of(
    config: Descriptor, layers: tuple[Descriptor, ...], annotations: Mapping[str, str]
) -> Manifest:
    """An OCI manifest of ours."""
    return Manifest(
        schema_version=2, media_type=MANIFEST, config=config, layers=layers, annotations=annotations
    )


def index_of(manifests: tuple[Descriptor, ...]) -> Index:
    """An OCI index of ours."""
    return Index(schema_version=2, media_type=INDEX, manifests=manifests)


def parse_manifest(data: bytes) -> Manifest:
    """A manifest from outside. Raises `InvalidValueError` when it is none, or is not of a container image."""
    manifest = decode(data, Manifest, "the manifest")
    if manifest.schema_version != 2:
        raise InvalidValueError(
            f"the manifest has schema version {manifest.schema_version}; only 2 is an image's"
        )
    if manifest.config.media_type not in (CONFIG, DOCKER_CONFIG):
        raise InvalidValueError(
            f"the manifest is of {manifest.config.media_type[:100]}, which is no container image"
        )
    if len(manifest.layers) > MAX_LAYERS:
        raise InvalidValueError(f"the manifest has {len(manifest.layers)} layers, more than any engine takes")
    for layer in manifest.layers:
        if layer.media_type not in LAYERS:
            raise InvalidValueError(
                f"the manifest has a layer of {layer.media_type[:100]}, which is no file system layer"
            )
    return manifest


def parse_index(data: bytes) -> Index:
    """An index from outside."""
    index = decode(data, Index, "the index")
    if index.schema_version != 2:
        raise InvalidValueError(f"the index has schema version {index.schema_version}; only 2 is known")
    return index


def choose_manifest(index: Index, platform: Platform) -> Descriptor:
    """The first manifest of an index that a machine of this platform runs.

    An entry need not say its platform: then its configuration alone does, and it is what is left to try.
    """
    platforms = [entry.platform for entry in index.manifests if entry.platform]
    for entry in index.manifests:
        if entry.platform and platform.runs(entry.platform):
            return entry
    for entry in index.manifests:
        if entry.platform is None and entry.media_type in MANIFESTS:
            return entry
    names = ", ".join(sorted({str(found) for found in platforms if found.os != "unknown"}))
    raise InvalidValueError(
        f"the index has no image for {platform}", hint=f"it has {names or 'none with a platform'}"
    )
