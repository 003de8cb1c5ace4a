"""Writing images: one or an index, and names go in, what the registry lacks is sent, a digest comes out."""

from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from ferrule.errors import RegistryError
from ferrule.image.image import Image, Publishable
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import Digest
from ferrule.oci.reference import Reference, parse_tag
from ferrule.registry.access import Place
from ferrule.registry.address import resolve
from ferrule.registry.answer import Answer, TransientError
from ferrule.registry.body import Body
from ferrule.registry.client import Client
from ferrule.registry.parallel import side_by_side
from ferrule.registry.retry import retried
from ferrule.report import Report

UPLOAD_ATTEMPTS = 3
BINARY = "application/octet-stream"


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a registry, by digest: what `docker run` takes."""

    reference: Reference
    tags: tuple[str, ...] = ()

    @property
    def digest(self) -> Digest:
        """The manifest's digest."""
        assert self.reference.digest is not None
        return self.reference.digest

    def __str__(self) -> str:
        return str(self.reference)


def push(
    client: Client, content: Publishable, reference: Reference, tags: tuple[str, ...], report: Report
) -> Published:
    """Send what the registry lacks, then the manifest by digest, then each tag; an index after its images.

    Nothing can be pulled before everything it consists of is there. Raises `RegistryError`.
    """
    place = client.settled(client.access.push(reference))
    digest = content.descriptor.digest
    manifest = _Document(client, place, content.descriptor, content.document)
    selectors = tuple(parse_tag(tag) for tag in tags) or (digest,)
    lacking = manifest.lacking(selectors)
    if lacking == selectors:
        for image in content.images:
            for line in _Upload(client, place, image).all():
                report.detail(line)
            if image is not content:
                child = _Document(client, place, image.descriptor, image.manifest_bytes)
                child.put(image.descriptor.digest)
        lacking = tuple(dict.fromkeys((digest, *selectors)))
    else:
        # A registry takes a manifest only with all that it names, so a tag that has it proves the rest.
        report.detail(f"{digest[:19]}: already there")
    for selector in lacking:
        manifest.put(selector)
    return Published(reference=reference.with_digest(digest), tags=tags)


class _Document:
    """A manifest or an index on its way to one repository."""

    def __init__(self, client: Client, place: Place, descriptor: Descriptor, data: bytes) -> None:
        self._client = client
        self._place = place
        self._descriptor = descriptor
        self._data = data

    def lacking(self, selectors: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the tags and digests under which the registry does not have this very document."""
        found = side_by_side(self._digest_at, selectors)
        own = self._descriptor.digest
        return tuple(selector for selector, known in zip(selectors, found, strict=True) if known != own)

    def _digest_at(self, selector: str) -> str | None:
        accept = (self._descriptor.media_type,)
        answer = self._client.probe(self._place, f"manifests/{selector}", "manifest", accept=accept)
        return answer.headers.get("docker-content-digest") if answer else None

    def put(self, selector: str) -> None:
        """Store it under a digest or a tag. To send it twice is to send it once."""
        retried(lambda: self._put(selector))

    def _put(self, selector: str) -> None:
        answer = self._client.send(
            self._place,
            "PUT",
            self._place.url(f"manifests/{selector}"),
            body=Body(self._data, len(self._data)),
            headers={"content-type": self._descriptor.media_type},
        )
        if not answer.ok:
            raise self._client.refusal(self._place, answer, "manifest")
        _check_digest(self._place, answer, self._descriptor.digest)


class _Upload:
    """One image's blobs on their way to one repository."""

    def __init__(self, client: Client, place: Place, image: Image) -> None:
        self._client = client
        self._place = place
        self._image = image

    def all(self) -> tuple[str, ...]:
        """Every blob, some at a time; a line for each. The first failure ends the others."""
        blobs = {blob.digest: blob for blob in (*self._image.layers, self._image.manifest.config)}
        return side_by_side(self._blob, blobs.values())

    def _blob(self, blob: Descriptor) -> str:
        short = blob.digest[:19]
        if self._client.probe(self._place, f"blobs/{blob.digest}", "layer") is not None:
            return f"{short}: already there"
        begun: list[str] = []
        if source := self._source(blob.digest):
            mounted, location = self._mount(blob.digest, source)
            if mounted:
                return f"{short}: mounted from {source}"
            begun += [location] if location else []
        body = self._body(blob)
        # What is half sent is given up: a new upload starts from the beginning.
        retried(
            lambda: self._send(blob.digest, begun.pop() if begun else self._start(), body),
            attempts=UPLOAD_ATTEMPTS,
        )
        return f"{short}: sent {body.size} bytes"

    def _source(self, digest: Digest) -> str | None:
        """Another repository of the target's registry that has the blob."""
        origin = self._image.origins.get(digest)
        if origin is None or origin.repository == self._place.repository:
            return None
        same = self._client.access.pull(origin).site.host == self._place.site.host
        return origin.repository if same else None

    def _mount(self, digest: Digest, source: str) -> tuple[bool, str | None]:
        """Whether the registry took the blob from the other repository; else the upload it may have begun."""
        path = f"blobs/uploads/?mount={quote(digest, safe='')}&from={quote(source, safe='')}"
        try:
            answer = self._client.send(replace(self._place, sources=(source,)), "POST", self._place.url(path))
        except RegistryError:
            # A mount saves time and nothing else: the user may not read the source, or the token server
            # refuses to name two repositories.
            return False, None
        if answer.status == 201:
            return True, None
        return False, self._location(answer) if answer.status == 202 else None

    def _start(self) -> str:
        answer = self._client.send(self._place, "POST", self._place.url("blobs/uploads/"))
        if answer.status != 202:
            raise self._client.refusal(self._place, answer, "upload")
        return self._location(answer)

    def _send(self, digest: Digest, location: str, body: Body) -> None:
        """One streaming PATCH, without Content-Range: several registries know chunks only up to 4 MiB."""
        answer = self._client.send(
            self._place, "PATCH", location, body=body, headers={"content-type": BINARY}
        )
        self._accept(answer)
        if "location" in answer.headers:
            location = self._location(answer)
        joint = "&" if "?" in location else "?"
        answer = self._client.send(
            self._place, "PUT", f"{location}{joint}digest={quote(digest, safe='')}", body=Body(b"", 0)
        )
        self._accept(answer)
        _check_digest(self._place, answer, digest)

    def _accept(self, answer: Answer) -> None:
        if answer.status == 404:
            raise TransientError(
                f"{self._place.site.registry} has forgotten an upload of {self._place.repository}",
                hint="are there several registries behind one name that do not share their state?",
            )
        if not answer.ok:
            raise self._client.refusal(self._place, answer, "layer")

    def _body(self, blob: Descriptor) -> Body:
        if blob.digest == self._image.manifest.config.digest:
            return Body(self._image.config_bytes, len(self._image.config_bytes))
        return Body(self._image.blobs.path(blob), blob.size)

    def _location(self, answer: Answer) -> str:
        location = answer.headers.get("location")
        if not location:
            raise RegistryError(
                f"{self._place.site.registry} begins an upload and does not say where",
                hint="look at the registry, and at the proxy in front of it",
            )
        return resolve(self._place.site.registry, answer.url, location)


def _check_digest(place: Place, answer: Answer, digest: Digest) -> None:
    said = answer.headers.get("docker-content-digest", digest)
    if said.startswith("sha256:") and said != digest:
        raise RegistryError(
            f"{place.site.registry} says that it received something else than {digest[:19]}…",
            hint="try again; if it stays, a proxy in front of the registry changes what passes",
        )
