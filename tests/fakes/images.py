"""Images made by hand, without ferrule's own packing: what tests feed to readers, engines and registries."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ferrule.image.image import Image
from ferrule.image.layout import read_layout
from ferrule.oci.platform import Platform

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EPOCH = "1970-01-01T00:00:00Z"
AMD64 = Platform(os="linux", architecture="amd64")


def entry(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A tar entry: a file of mode 0644, unless the fields say otherwise (`type`, `mode`, `linkname`, …)."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def folder(name: str, mode: int = 0o755, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.DIRTYPE, mode=mode, **fields)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.LNKTYPE, linkname=target)


def tar_of(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """An uncompressed layer with the entries in the order given."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def image_of(place: Path, layers: Iterable[bytes], **run: Any) -> Image:
    """An image of uncompressed layers in an OCI layout at `place`; `run` is its `config` object."""
    write_layout_of(place, {"amd64": (tuple(layers), run)})
    return read_layout(place, "latest", AMD64)


def write_layout_of(place: Path, images: Mapping[str, tuple[tuple[bytes, ...], Mapping[str, Any]]]) -> None:
    """Write an OCI layout, tagged `latest`: one image, or an index of one per processor."""
    blobs = place / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    made = [_image(blobs, processor, layers, run) for processor, (layers, run) in images.items()]
    index = {"schemaVersion": 2, "mediaType": INDEX}
    top = made[0] if len(made) == 1 else _put(blobs, _json({**index, "manifests": made}), INDEX)
    named = {**top, "annotations": {"org.opencontainers.image.ref.name": "latest"}}
    (place / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (place / "index.json").write_bytes(_json({**index, "manifests": [named]}))


def _image(blobs: Path, processor: str, layers: tuple[bytes, ...], run: Mapping[str, Any]) -> dict[str, Any]:
    config = {
        "architecture": processor,
        "os": "linux",
        "created": EPOCH,
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
        "history": [{"created": EPOCH, "created_by": "a test"} for _ in layers],
    }
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _put(blobs, _json(config), "application/vnd.oci.image.config.v1+json"),
        "layers": [_put(blobs, gzip.compress(layer, 6, mtime=0), kind) for layer in layers],
    }
    platform = {"architecture": processor, "os": "linux"}
    return {**_put(blobs, _json(manifest), MANIFEST), "platform": platform}


def _put(blobs: Path, data: bytes, media_type: str) -> dict[str, Any]:
    digest = _digest(data)
    (blobs / digest.removeprefix("sha256:")).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
