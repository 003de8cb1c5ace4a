"""Images as values, for one platform or several: their documents, and where the layers can be had."""

from typing import Protocol

import msgspec

from ferrule.image.store import Blobs
from ferrule.oci.descriptor import INDEX, Descriptor
from ferrule.oci.digest import Digest, digest_of
from ferrule.oci.document import encode
from ferrule.oci.image_config import ImageConfig
from ferrule.oci.manifest import Manifest, index_of
from ferrule.oci.platform import Platform
from ferrule.oci.reference import Reference

CREATED_BY = "ferrule"
"""What the history says of layers that are ours."""


class Publishable(Protocol):
    """What a tag can name: an image, or an index of images. `document` is what its digest is of."""

    @property
    def descriptor(self) -> Descriptor:
        """Of the document."""
        ...

    @property
    def document(self) -> bytes:
        """A manifest, or an index."""
        ...

    @property
    def images(self) -> tuple["Image", ...]:
        """The images; an image itself is its only one."""
        ...


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """One image for one platform.

    `descriptor` is the manifest's. `manifest_bytes` and `config_bytes` are exactly what the digests are of.
    `blobs` opens the layers. `origins` says which layers a registry already has, and in which repository:
    a push can mount them, and they are not fetched unless something reads them.
    """

    descriptor: Descriptor
    manifest: Manifest
    manifest_bytes: bytes
    config: ImageConfig
    config_bytes: bytes
    blobs: Blobs
    origins: dict[Digest, Reference] = msgspec.field(default_factory=dict)

    @property
    def document(self) -> bytes:
        """The manifest."""
        return self.manifest_bytes

    @property
    def images(self) -> tuple["Image", ...]:
        """Itself."""
        return (self,)

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """The layers, bottom first."""
        return self.manifest.layers

    @property
    def compressed_size(self) -> int:
        """Bytes of all layers as they travel."""
        return sum(layer.size for layer in self.layers)


class ImageIndex(msgspec.Struct, frozen=True, kw_only=True):
    """Images of one program for several platforms, in the order in which they were asked for."""

    descriptor: Descriptor
    document: bytes
    images: tuple[Image, ...]


def index_images(images: tuple[Image, ...]) -> Publishable:
    """An OCI index of the images; one alone needs none."""
    if len(images) == 1:
        return images[0]
    document = encode(index_of(tuple(_entry(image) for image in images)))
    descriptor = Descriptor(media_type=INDEX, digest=digest_of(document), size=len(document))
    return ImageIndex(descriptor=descriptor, document=document, images=images)


def image_for(content: Publishable, platform: Platform) -> Image:
    """The image that a machine of the platform runs, or the first where none does."""
    fitting = (image for image in content.images if platform.runs(image.config.platform))
    return next(fitting, content.images[0])


def _entry(image: Image) -> Descriptor:
    return Descriptor(
        media_type=image.descriptor.media_type,
        digest=image.descriptor.digest,
        size=image.descriptor.size,
        platform=image.config.platform,
    )
