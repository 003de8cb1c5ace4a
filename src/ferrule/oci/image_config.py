"""The configuration of an image: what runs, as whom, and of which layers. OCI section Image Configuration."""

from collections.abc import Mapping

import msgspec

from ferrule.oci.digest import Digest, parse_digest
from ferrule.oci.document import decode
from ferrule.oci.platform import Platform


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    """Docker's health check; durations in nanoseconds. Not part of OCI, but Docker reads it there too."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    retries: int = 0


class RunConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal"):
    """How a container of the image is started. `env` has the form NAME=VALUE."""

    user: str = ""
    exposed_ports: Mapping[str, Mapping[str, str]] | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: Mapping[str, Mapping[str, str]] | None = None
    working_dir: str = ""
    labels: Mapping[str, str] | None = None
    stop_signal: str = ""
    healthcheck: HealthCheck | None = None


class RootFs(msgspec.Struct, frozen=True, kw_only=True):
    """The layers by the digest of their uncompressed bytes, bottom first."""

    type: str = "layers"
    diff_ids: tuple[Digest, ...]

    def __post_init__(self) -> None:
        for diff_id in self.diff_ids:
            parse_digest(diff_id)


class History(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a layer came from, for people."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole document. `created` is RFC 3339."""

    created: str = ""
    author: str = ""
    architecture: str
    os: str
    variant: str = ""
    config: RunConfig | None = None
    rootfs: RootFs
    history: tuple[History, ...] | None = None

    @property
    def platform(self) -> Platform:
        """The platform that the image is for."""
        return Platform(os=self.os, architecture=self.architecture, variant=self.variant)

    @property
    def run(self) -> RunConfig:
        """The run configuration, empty where the document has none."""
        return self.config or RunConfig()


def parse_image_config(data: bytes) -> ImageConfig:
    """A configuration from outside."""
    return decode(data, ImageConfig, "the image configuration")
