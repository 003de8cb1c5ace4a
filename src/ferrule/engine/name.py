"""Names of programs that run on by themselves: what `--name` takes and `ferrule stop` is told."""

import os
import re

from ferrule.errors import InvalidValueError

LONGEST = 63


def parse_name(text: str) -> str:
    """A name as Docker takes it, and at most 63 characters: `_`, `.` and `-` behind a letter or digit."""
    if len(text) > LONGEST or not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", text):
        raise InvalidValueError(
            f"{text[:LONGEST]!r} is not a name for a running program",
            hint="use 2 to 63 letters, digits, and - _ . behind the first: shop-1",
        )
    return text


def name_after(image: str) -> str:
    """A new name for a program of this image: `shop-3f9a2c` for `ghcr.io/acme/shop:v1`."""
    last = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", last).strip("-")[: LONGEST - 7]
    return f"{stem or 'ferrule'}-{os.urandom(3).hex()}"
