"""Images as they are stored, by whomever: their documents were checked, their layers nobody has read."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import BinaryIO

import msgspec

from ferrule.image.image import Image
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import Digest
from ferrule.oci.image_config import ImageConfig


class LayerSource(msgspec.Struct, frozen=True, kw_only=True):
    """A layer as it is stored. `open` gives its bytes from the start.

    `digest` is of these, None where nothing tells it.
    """

    diff_id: Digest
    open: Callable[[], BinaryIO]
    digest: Digest | None = None

    @property
    def name(self) -> str:
        """How errors name it."""
        return f"layer {self.digest or self.diff_id}"


class ImageSource(msgspec.Struct, frozen=True, kw_only=True):
    """One image, bottom layer first. `digest` is the manifest's, None where there is no manifest."""

    config: ImageConfig
    layers: tuple[LayerSource, ...]
    digest: Digest | None = None
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)


def source_of(image: Image) -> ImageSource:
    """An image that we know already; its layers are fetched when they are opened."""
    pairs = zip(image.layers, image.config.rootfs.diff_ids, strict=True)
    return ImageSource(
        config=image.config,
        layers=tuple(
            LayerSource(
                diff_id=diff_id,
                digest=layer.digest,
                open=partial(_open, image, layer),
            )
            for layer, diff_id in pairs
        ),
        digest=image.descriptor.digest,
        annotations=image.manifest.annotations,
    )


def _open(image: Image, layer: Descriptor) -> BinaryIO:
    return image.blobs.path(layer).open("rb")
