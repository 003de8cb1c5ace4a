"""Platforms: what an image is for, as the OCI index names it (`linux/arm64/v8`)."""

import platform

import msgspec

from ferrule.errors import InvalidValueError


class Platform(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Operating system and processor, with Go's names as the specification asks."""

    architecture: str
    os: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def runs(self, other: "Platform") -> bool:
        """Whether a machine of this platform takes an image of the other; arm64 and arm64/v8 are the same."""
        return (self.os, self.architecture, self._variant()) == (
            other.os,
            other.architecture,
            other._variant(),
        )

    def _variant(self) -> str:
        return "" if (self.architecture, self.variant) == ("arm64", "v8") else self.variant


GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def this_platform() -> Platform:
    """The platform whose images run on this machine; always Linux, since images are."""
    machine = platform.machine().lower()
    return Platform(os="linux", architecture=GO_NAMES.get(machine, machine))


def parse_platform(text: str) -> Platform:
    """`linux/amd64` or `linux/arm/v7` from outside."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(part.isascii() and part.isalnum() for part in parts):
        raise InvalidValueError(
            f"{text!r} is not a platform", hint="write it like linux/amd64 or linux/arm64"
        )
    return Platform(os=parts[0], architecture=parts[1], variant=parts[2] if len(parts) == 3 else "")
