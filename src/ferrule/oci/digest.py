"""Digests: bytes go in, `sha256:…` comes out. OCI image specification, descriptor, section Digests."""

import hashlib
import re
from typing import NewType

from ferrule.errors import InvalidValueError

Digest = NewType("Digest", str)

_FORM = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(data: bytes) -> Digest:
    """The SHA-256 digest of the bytes."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def parse_digest(text: str) -> Digest:
    """A digest from outside. Only sha256 is taken: no registry in use answers with another."""
    if not _FORM.fullmatch(text):
        raise InvalidValueError(
            f"{text[:100]!r} is not a digest",
            hint="a digest is sha256: and 64 hexadecimal digits, in lower case",
        )
    return Digest(text)


def hex_of(digest: Digest) -> str:
    """The 64 hexadecimal digits, as file names use them."""
    return digest.removeprefix("sha256:")
