"""An image as a value: its documents, and where the content of its layers can be had."""

from dataclasses import dataclass, field

from ferrule.image.store import Blobs
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import Digest
from ferrule.oci.image_config import ImageConfig
from ferrule.oci.manifest import Manifest
from ferrule.oci.reference import Reference


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
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
    origins: dict[Digest, Reference] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """The layers, bottom first."""
        return self.manifest.layers

    @property
    def compressed_size(self) -> int:
        """Bytes of all layers as they travel."""
        return sum(layer.size for layer in self.layers)
