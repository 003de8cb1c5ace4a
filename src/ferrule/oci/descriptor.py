"""Descriptors and media types. OCI image specification, sections Descriptor and Media Types."""

from collections.abc import Mapping

import msgspec

from ferrule.oci.digest import Digest
from ferrule.oci.platform import Platform

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"
"""In no specification, but BuildKit writes it, and containerd and Podman read it."""

MANIFESTS = (MANIFEST, DOCKER_MANIFEST)
INDEXES = (INDEX, DOCKER_INDEX)
LAYERS = (LAYER, LAYER_GZIP, LAYER_ZSTD, DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD)

OCI_TYPE = {
    DOCKER_LAYER: LAYER,
    DOCKER_LAYER_GZIP: LAYER_GZIP,
    DOCKER_LAYER_ZSTD: LAYER_ZSTD,
    DOCKER_CONFIG: CONFIG,
    DOCKER_MANIFEST: MANIFEST,
}
"""A Docker media type → the OCI one for the very same bytes."""


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a piece of content is, how long (bytes), and its digest."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = {}
    platform: Platform | None = None

    def __post_init__(self) -> None:
        from ferrule.oci.digest import parse_digest

        parse_digest(self.digest)
        if self.size < 0:
            raise ValueError("size is negative")

    def as_oci(self) -> "Descriptor":
        """The same content under OCI's media type, so that types are never mixed within one image."""
        return Descriptor(
            media_type=OCI_TYPE.get(self.media_type, self.media_type), digest=self.digest, size=self.size
        )
