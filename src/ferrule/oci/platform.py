"""Platforms: what an image is for, as the OCI index names it (`linux/arm64/v8`)."""

import platform
import re
import sys

import msgspec

from ferrule.errors import InvalidValueError

_FORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?")

_SAME = {("arm64", "v8"): "", ("amd64", "v1"): "", ("arm", ""): "v7"}
"""Processor and variant → the variant that is meant, as containerd reads it."""


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
        return _SAME.get((self.architecture, self.variant), self.variant)


def parse_platform(text: str) -> Platform:
    """A platform from outside, such as `linux/arm64` or `linux/arm/v7`."""
    if not _FORM.fullmatch(text):
        raise InvalidValueError(f"{text[:100]!r} is not a platform", hint="write it like linux/arm64")
    os, architecture, *variant = text.split("/")
    return Platform(os=os, architecture=architecture, variant="".join(variant))


GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def this_platform() -> Platform:
    """The platform whose images run on this machine; always Linux, since images are."""
    machine = platform.machine().lower()
    return Platform(os="linux", architecture=GO_NAMES.get(machine, machine))


def this_linux() -> Platform | None:
    """This machine's platform, None where it is no Linux: then no file of it is of use in an image."""
    return this_platform() if sys.platform == "linux" else None
