"""JSON documents of the OCI formats: bytes from outside become checked values, values canonical bytes."""

from typing import TypeVar

import msgspec

from ferrule.errors import InvalidValueError

MAX_DOCUMENT_BYTES = 4 << 20
"""Registries refuse manifests above 4 MiB; nobody reads a larger one from us."""

T = TypeVar("T")


def decode(data: bytes, kind: type[T], what: str) -> T:
    """Parse and check one document. Raises `InvalidValueError` that names the key's path."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InvalidValueError(f"{what} is larger than {MAX_DOCUMENT_BYTES >> 20} MiB")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidValueError(f"{what} cannot be read: {_one_line(error)}") from error


def encode(value: msgspec.Struct) -> bytes:
    """The document as bytes that depend on its content alone: compact, mappings sorted by key."""
    return msgspec.json.encode(value, order="deterministic")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
