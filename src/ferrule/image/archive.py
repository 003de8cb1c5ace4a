"""One tar that is both a docker archive and an OCI layout, for `docker load`, `podman load` and skopeo."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

from ferrule.atomic import appearing
from ferrule.image.image import Image, Publishable, image_for
from ferrule.image.layout import MARKER, REF_NAME
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import hex_of
from ferrule.oci.document import encode
from ferrule.oci.manifest import index_of
from ferrule.oci.platform import this_platform
from ferrule.oci.reference import DEFAULT_REGISTRY, Reference

IMAGE_NAME = "io.containerd.image.name"
BLOCK = 512


def write_archive(
    content: Publishable, names: tuple[Reference, ...], file: Path, *, docker_only: bool = False
) -> None:
    """Write the archive under its names (repository and tag); the file appears whole or not at all.

    Docker's part of it can name one image: of several, that for this machine's platform, or the first. With
    `docker_only` it is no OCI layout, and says whole names: Podman, which would take the layout, keeps a
    health check of Docker's types alone, and puts `localhost/` before names without a registry.
    """
    with appearing(file) as part, part.open("wb") as stream:
        _write(content, names, stream, docker_only=docker_only)


def familiar(name: Reference) -> str:
    """A name as docker prints it: without docker.io, and without library before a name of one part."""
    text = str(name).removeprefix(f"{DEFAULT_REGISTRY}/")
    official = text.removeprefix("library/")
    return text if "/" in official else official


def _write(
    content: Publishable, names: tuple[Reference, ...], stream: BinaryIO, *, docker_only: bool
) -> None:
    if not docker_only:
        _add(stream, "oci-layout", MARKER)
        _add(stream, "index.json", encode(index_of(tuple(_named(content, name) for name in names))))
    tags = [str(name) if docker_only else familiar(name) for name in names]
    _add(stream, "manifest.json", _docker_manifest(image_for(content, this_platform()), tags))
    documents = {_blob(content.descriptor): content.document}
    for image in content.images:
        documents[_blob(image.descriptor)] = image.manifest_bytes
        documents[_blob(image.manifest.config)] = image.config_bytes
    for name, document in documents.items():
        _add(stream, name, document)
    for name, file in _layers(content).items():
        _add_file(stream, name, file)
    stream.write(bytes(2 * BLOCK))


def _layers(content: Publishable) -> dict[str, Path]:
    """Each layer once, though several images may have it."""
    return {_blob(layer): image.blobs.path(layer) for image in content.images for layer in image.layers}


def _docker_manifest(image: Image, tags: list[str]) -> bytes:
    entry = {
        "Config": _blob(image.manifest.config),
        "RepoTags": tags,
        "Layers": [_blob(layer) for layer in image.layers],
    }
    return json.dumps([entry], separators=(",", ":")).encode()


def _named(content: Publishable, name: Reference) -> Descriptor:
    return Descriptor(
        media_type=content.descriptor.media_type,
        digest=content.descriptor.digest,
        size=content.descriptor.size,
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
