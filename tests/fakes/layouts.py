"""OCI layouts that nobody's tool writes: every document and every blob as a test wants it."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from tests.fakes.images import INDEX, MANIFEST

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"

Descriptor = dict[str, Any]


class Layout:
    """A layout in the making; what is put in is not looked at."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.blobs = place / "blobs" / "sha256"
        self.blobs.mkdir(parents=True)
        (place / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def put(self, data: bytes, media_type: str) -> Descriptor:
        digest = digest_of(data)
        self.blob(digest).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def blob(self, digest: str) -> Path:
        return self.blobs / digest.removeprefix("sha256:")

    def image(
        self, *layers: bytes, diff_ids: tuple[str, ...] = (), config: object = None, **changes: Any
    ) -> Descriptor:
        """The manifest of layers as they are stored; of tars in plain text unless `diff_ids` says of what."""
        document = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/a"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids or [digest_of(layer) for layer in layers]},
            **changes,
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.put(json_of(document if config is None else config), CONFIG),
            "layers": [self.put(layer, LAYER) for layer in layers],
        }
        return self.put(json_of(manifest), MANIFEST)

    def offer(self, *entries: Descriptor) -> Path:
        """Name these in index.json."""
        (self.place / "index.json").write_bytes(index_of(*entries))
        return self.place


def index_of(*entries: Descriptor) -> bytes:
    return json_of({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)})


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def json_of(value: object) -> bytes:
    """Bytes stay as they are: a document that is none."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def archive_of(file: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    """A tar of these files and symbolic links, as docker and skopeo save images."""
    with tarfile.open(file, "w") as tar:
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file


def docker_archive(file: Path, layer: bytes, **entry: Any) -> Path:
    """What `docker save` writes, with an entry of manifest.json that may say something else."""
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [digest_of(layer)]}}
    said = {"Config": "config.json", "RepoTags": ["x:1"], "Layers": ["layer.tar"], **entry}
    return archive_of(
        file, {"manifest.json": json_of([said]), "config.json": json_of(config), "layer.tar": layer}
    )


def header(name: bytes, size: bytes, kind: bytes = b"0", **fields: bytes) -> bytes:
    """A tar header with its fields as bytes: `size` has at most 12, `mode`, `uid` and `gid` at most 8."""
    block = bytearray(512)
    parts = {
        0: name[:100],
        100: fields.get("mode", b"0000644\0"),
        108: fields.get("uid", b"0000000\0"),
        116: fields.get("gid", b"0000000\0"),
        124: size,
        136: b"00000000000\0",
        156: kind,
        157: fields.get("link", b""),
        257: fields.get("magic", b"ustar\00000"),
        345: fields.get("prefix", b""),
    }
    for offset, data in parts.items():
        block[offset : offset + len(data)] = data
    return with_checksum(bytes(block))


def with_checksum(block: bytes) -> bytes:
    """The header as its writer would have it."""
    total = sum(block[:148]) + 8 * 0x20 + sum(block[156:512])
    return block[:148] + b"%06o\0 " % total + block[156:]
