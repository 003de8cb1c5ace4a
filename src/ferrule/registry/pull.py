"""Reading images: a reference and a platform go in, a checked image comes out, its layers fetched later."""

from pathlib import Path

import msgspec

from ferrule.errors import ImageError, InvalidValueError, RegistryError
from ferrule.image.image import Image
from ferrule.image.store import BlobMissingError, BlobStore
from ferrule.oci.descriptor import INDEXES, MANIFESTS, Descriptor
from ferrule.oci.digest import Digest, digest_of
from ferrule.oci.document import MAX_DOCUMENT_BYTES, decode
from ferrule.oci.image_config import ImageConfig, parse_image_config
from ferrule.oci.manifest import Index, Manifest, choose_manifest, parse_index, parse_manifest
from ferrule.oci.platform import Platform
from ferrule.oci.reference import Reference
from ferrule.registry.access import Place
from ferrule.registry.client import Client
from ferrule.registry.parallel import raise_if_stopped, side_by_side
from ferrule.registry.retry import retried


def resolve(
    client: Client,
    reference: Reference,
    platform: Platform,
    store: BlobStore,
    *,
    any_platform: bool = False,
) -> Image:
    """The image that a reference names, and where that is an index, the one for the platform.

    Manifest and configuration are read at once; the layers when somebody asks for their path, into the store.
    Raises `RegistryError`, and `ImageError` where there is an image but for other platforms only; with
    `any_platform`, an image for a single other one is taken.
    """
    reader = _Reader(client, reference, store)
    try:
        descriptor, data = reader.top()
        if descriptor.media_type in INDEXES:
            descriptor = _choose(reference, parse_index(data), platform)
            data = reader.document(descriptor, f"manifests/{descriptor.digest}", "manifest")
        manifest = parse_manifest(data)
        config_bytes = reader.document(manifest.config, f"blobs/{manifest.config.digest}", "configuration")
        config = parse_image_config(config_bytes)
        _check(manifest, config)
        if not any_platform and (config.os != platform.os or config.architecture != platform.architecture):
            raise ImageError(f"{reference} is for {config.platform}, not for {platform}")
    except InvalidValueError as error:
        raise RegistryError(f"{reference}: {error.message}", hint=error.hint or _NO_IMAGE) from error
    return Image(
        descriptor=Descriptor(
            media_type=descriptor.media_type, digest=descriptor.digest, size=descriptor.size
        ),
        manifest=manifest,
        manifest_bytes=data,
        config=config,
        config_bytes=config_bytes,
        blobs=RemoteBlobs(client, reader.place, store),
        origins={layer.digest: reference for layer in manifest.layers},
    )


def prefetch(image: Image) -> None:
    """Have every layer on this machine, several at a time where they come from a registry."""
    side_by_side(image.blobs.path, {layer.digest: layer for layer in image.layers}.values())


class RemoteBlobs:
    """The blobs of one repository: fetched into the store when they are asked for, and only once."""

    def __init__(self, client: Client, place: Place, store: BlobStore) -> None:
        self._client = client
        self._place = place
        self._store = store

    def path(self, descriptor: Descriptor) -> Path:
        """The blob's file in the store, verified. Raises `RegistryError` when the registry sends another."""
        try:
            return self._store.path(descriptor)
        except BlobMissingError:
            retried(lambda: self._fetch(descriptor))
            return self._store.path(descriptor)

    def _fetch(self, descriptor: Descriptor) -> None:
        path = f"blobs/{descriptor.digest}"
        try:
            with (
                self._client.download(self._place, path, f"layer {descriptor.digest}") as chunks,
                self._store.writer(expect=descriptor) as blob,
            ):
                for chunk in chunks:
                    raise_if_stopped()
                    if blob.size + len(chunk) > descriptor.size:
                        raise _wrong(self._place, descriptor.digest)
                    blob.write(chunk)
        except BlobMissingError as error:
            raise _wrong(self._place, descriptor.digest) from error


_NO_IMAGE = "the reference is of something else than a container image"


class _Kind(msgspec.Struct, rename="camel"):
    schema_version: int = 0
    media_type: str = ""
    manifests: msgspec.Raw = msgspec.Raw()
    layers: msgspec.Raw = msgspec.Raw()


class _Reader:
    """Reads the documents of one reference, from the store where it has them."""

    def __init__(self, client: Client, reference: Reference, store: BlobStore) -> None:
        self._client = client
        self._reference = reference
        self._store = store
        self.place = client.access.pull(reference)

    def top(self) -> tuple[Descriptor, bytes]:
        """What the reference names, and its type as the document itself tells it."""
        digest = self._reference.digest
        header = ""
        data = self._stored(digest) if digest else None
        if data is None:
            selector = self._reference.selector
            answer = self._client.read(
                self.place, f"manifests/{selector}", f"image {selector}", accept=(*MANIFESTS, *INDEXES)
            )
            data = answer.body
            expected = digest or answer.headers.get("docker-content-digest", "")
            if expected.startswith("sha256:") and digest_of(data) != expected:
                raise _wrong(self.place, expected)
            header = answer.headers.get("content-type", "").partition(";")[0].strip()
            self._store.put(data)
        media_type = _media_type(data, header)
        return Descriptor(media_type=media_type, digest=digest_of(data), size=len(data)), data

    def document(self, descriptor: Descriptor, path: str, what: str) -> bytes:
        """A document that another one names by digest."""
        if descriptor.size > MAX_DOCUMENT_BYTES:
            raise InvalidValueError(f"its {what} is larger than {MAX_DOCUMENT_BYTES >> 20} MiB")
        data = self._stored(descriptor.digest)
        if data is None:
            data = self._client.read(
                self.place, path, f"{what} {descriptor.digest}", accept=(descriptor.media_type,)
            ).body
            if digest_of(data) != descriptor.digest:
                raise _wrong(self.place, descriptor.digest)
            self._store.put(data)
        if len(data) != descriptor.size:
            raise _wrong(self.place, descriptor.digest)
        return data

    def _stored(self, digest: Digest) -> bytes | None:
        path = self._store.find(digest)
        try:
            if path is None or path.stat().st_size > MAX_DOCUMENT_BYTES:
                return None
            data = path.read_bytes()
        except OSError:
            return None
        return data if digest_of(data) == digest else None


def _choose(reference: Reference, index: Index, platform: Platform) -> Descriptor:
    try:
        chosen = choose_manifest(index, platform)
    except InvalidValueError as error:
        raise ImageError(f"{reference}: {error.message}", hint=error.hint) from error
    if chosen.media_type not in MANIFESTS:
        raise InvalidValueError(f"its index names {chosen.media_type[:100]!r} for {platform}")
    return chosen


def _media_type(data: bytes, header: str) -> str:
    """What a document says it is. It has to look so too: no two readers may see two things in it."""
    kind = decode(data, _Kind, "the manifest")
    if kind.schema_version == 1:
        raise InvalidValueError(
            "the image has schema version 1, which registries stopped making in 2017",
            hint="push it again with a newer tool",
        )
    guess = INDEXES[0] if bytes(kind.manifests) else MANIFESTS[0]
    known = (*MANIFESTS, *INDEXES)
    media_type = kind.media_type or (header if header in known else guess)
    if media_type not in known:
        raise InvalidValueError(f"it is of {media_type[:100]!r}, which is no container image")
    if header in known and (header in INDEXES) != (media_type in INDEXES):
        raise InvalidValueError(f"the registry calls it {header}, and it says {media_type}")
    if (bool(bytes(kind.manifests)), bool(bytes(kind.layers))) != (
        media_type in INDEXES,
        media_type in MANIFESTS,
    ):
        raise InvalidValueError(f"it is not what it says: {media_type}")
    return media_type


def _check(manifest: Manifest, config: ImageConfig) -> None:
    if len(manifest.layers) != len(config.rootfs.diff_ids):
        raise InvalidValueError(
            f"the manifest has {len(manifest.layers)} layers, the configuration {len(config.rootfs.diff_ids)}"
        )


def _wrong(place: Place, digest: str) -> RegistryError:
    return RegistryError(
        f"{place.site.registry} sends something else than {digest[:19]}… of {place.title}",
        hint="try again; if it stays, the registry or a proxy in front of it is broken",
    )
