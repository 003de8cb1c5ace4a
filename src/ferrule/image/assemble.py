"""A spec and its layers go in, an `Image` comes out: manifest and configuration, nothing of time or place."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ferrule.image.image import CREATED_BY, Image
from ferrule.image.layer import Layer
from ferrule.image.store import BlobMissingError, Blobs, BlobStore
from ferrule.oci.descriptor import CONFIG, MANIFEST, Descriptor
from ferrule.oci.digest import digest_of
from ferrule.oci.document import encode
from ferrule.oci.image_config import History, ImageConfig, RootFs, RunConfig
from ferrule.oci.manifest import manifest_of
from ferrule.oci.platform import Platform


class ImageSpec(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is to be. `created`: seconds since 1970; `run`: complete, the base's part merged in."""

    platform: Platform
    base: Image | None
    layers: tuple[Layer, ...]
    run: RunConfig
    created: int
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)


class _Both(msgspec.Struct, frozen=True, kw_only=True):
    """The blobs of our own layers, and those of the base behind them."""

    own: BlobStore
    base: Blobs | None

    def path(self, descriptor: Descriptor) -> Path:
        try:
            return self.own.path(descriptor)
        except BlobMissingError:
            if self.base is None:
                raise
            return self.base.path(descriptor)


def assemble(spec: ImageSpec, store: BlobStore) -> Image:
    """Put the documents together and into the store. Types are OCI's throughout, also for a Docker base."""
    config = _config(spec)
    config_bytes = encode(config)
    config_descriptor = Descriptor(media_type=CONFIG, digest=digest_of(config_bytes), size=len(config_bytes))
    below = tuple(layer.as_oci() for layer in spec.base.layers) if spec.base else ()
    manifest = manifest_of(
        config_descriptor, (*below, *(layer.descriptor for layer in spec.layers)), dict(spec.annotations)
    )
    manifest_bytes = encode(manifest)
    store.put(config_bytes)
    store.put(manifest_bytes)
    return Image(
        descriptor=Descriptor(
            media_type=MANIFEST, digest=digest_of(manifest_bytes), size=len(manifest_bytes)
        ),
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        config=config,
        config_bytes=config_bytes,
        blobs=_Both(own=store, base=spec.base.blobs if spec.base else None),
        origins=dict(spec.base.origins) if spec.base else {},
    )


def timestamp(seconds: int) -> str:
    """RFC 3339, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _config(spec: ImageSpec) -> ImageConfig:
    created = timestamp(spec.created)
    base = spec.base.config if spec.base else None
    own = tuple(History(created=created, created_by=f"{CREATED_BY}: {layer.title}") for layer in spec.layers)
    return ImageConfig(
        created=created,
        architecture=spec.platform.architecture,
        os=spec.platform.os,
        variant=spec.platform.variant,
        config=spec.run,
        rootfs=RootFs(
            diff_ids=(*(base.rootfs.diff_ids if base else ()), *(layer.diff_id for layer in spec.layers))
        ),
        history=(*_history_below(base), *own),
    )


def _history_below(base: ImageConfig | None) -> tuple[History, ...]:
    """The base's history; where it has none, a line per layer, since a short one makes readers refuse."""
    if base is None:
        return ()
    history = base.history or ()
    if sum(not entry.empty_layer for entry in history) == len(base.rootfs.diff_ids):
        return history
    return tuple(History(created_by="base") for _ in base.rootfs.diff_ids)
