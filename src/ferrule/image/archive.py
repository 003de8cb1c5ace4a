"""One tar that is both a docker archive and an OCI layout, for `docker load`, `podman load` and skopeo."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

from ferrule.atomic import appearing
from ferrule.image.image import Image
from ferrule.image.layout import MARKER, REF_NAME
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import hex_of
from ferrule.oci.document import encode
from ferrule.oci.manifest import index_of
from ferrule.oci.reference import DEFAULT_REGISTRY, Reference

IMAGE_NAME = "io.containerd.image.name"
BLOCK = 512


def write_archive(image: Image, names: tuple[Reference, ...], file: Path) -> None:
    """Write the archive under its names (repository and tag); the file appears whole or not at all."""
    with appearing(file) as part, part.open("wb") as stream:
        _write(image, names, stream)


def familiar(name: Reference) -> str:
    """A name as docker prints it: without docker.io and library."""
    text = str(name).removeprefix(f"{DEFAULT_REGISTRY}/")
    return text.removeprefix("library/")


def _write(image: Image, names: tuple[Reference, ...], stream: BinaryIO) -> None:
    _add(stream, "oci-layout", MARKER)
    _add(stream, "index.json", encode(index_of(tuple(_named(image, name) for name in names))))
    _add(stream, "manifest.json", _docker_manifest(image, names))
    _add(stream, _blob(image.descriptor), image.manifest_bytes)
    _add(stream, _blob(image.manifest.config), image.config_bytes)
    written = set()
    for layer in image.layers:
        if layer.digest not in written:
            written.add(layer.digest)
            _add_file(stream, _blob(layer), image.blobs.path(layer))
    stream.write(bytes(2 * BLOCK))


def _docker_manifest(image: Image, names: tuple[Reference, ...]) -> bytes:
    entry = {
        "Config": _blob(image.manifest.config),
        "RepoTags": [familiar(name) for name in names],
        "Layers": [_blob(layer) for layer in image.layers],
    }
    return json.dumps([entry], separators=(",", ":")).encode()


def _named(image: Image, name: Reference) -> Descriptor:
    return Descriptor(
        media_type=image.descriptor.media_type,
        digest=image.descriptor.digest,
        size=image.descriptor.size,
        annotations={REF_NAME: name.tag or "latest", IMAGE_NAME: str(name)},
    )


def _blob(descriptor: Descriptor) -> str:
    return f"blobs/sha256/{hex_of(descriptor.digest)}"


def _add(stream: BinaryIO, name: str, data: bytes) -> None:
    stream.write(_header(name, len(data)))
    stream.write(data)
    stream.write(bytes(-len(data) % BLOCK))


def _add_file(stream: BinaryIO, name: str, file: Path) -> None:
    size = file.stat().st_size
    stream.write(_header(name, size))
    with file.open("rb") as source:
        shutil.copyfileobj(source, stream, 1 << 20)
    stream.write(bytes(-size % BLOCK))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.PAX_FORMAT)
