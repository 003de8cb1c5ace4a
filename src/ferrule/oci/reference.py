"""References: `ghcr.io/acme/shop:1.2` goes in, its parts come out, normalised as docker does."""

import re
import unicodedata

import msgspec
from msgspec.structs import replace

from ferrule.errors import InvalidValueError
from ferrule.oci.digest import Digest, parse_digest

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
MAX_REPOSITORY = 255
LONGEST_NAME = 128

_HOST = re.compile(
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
ELSEWHERE = ("docker-archive:", "oci-archive:", "docker-daemon:")
"""What skopeo has besides, in front of a name or a path."""
_HINT = "write it like ghcr.io/acme/shop, with :TAG or @sha256:… behind it where one is wanted"


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A name of an image: registry, repository, and at most a tag and a digest."""

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @property
    def name(self) -> str:
        """Registry and repository without tag or digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def selector(self) -> str:
        """What a registry is asked for: the digest where there is one, else the tag, else `latest`."""
        return self.digest or self.tag or DEFAULT_TAG

    def with_tag(self, tag: str) -> "Reference":
        """The same repository under another tag."""
        return replace(self, tag=parse_tag(tag), digest=None)

    def with_digest(self, digest: Digest) -> "Reference":
        """The same repository by digest alone."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """A reference from outside; `debian` means `docker.io/library/debian`, as docker reads it."""
    rest, at, digest_text = text.partition("@")
    digest = parse_digest(digest_text) if at else None
    rest, tag = _split_tag(rest)
    registry, repository = _split_registry(rest)
    if not _HOST.fullmatch(registry) or not _REPOSITORY.fullmatch(repository):
        raise InvalidValueError(f"{text!r} is not an image reference", hint=_hint_for(text, repository))
    if len(repository) > MAX_REPOSITORY:
        raise InvalidValueError(
            f"the repository in {text[:40]!r}… is longer than {MAX_REPOSITORY} characters", hint=_HINT
        )
    return Reference(
        registry=registry,
        repository=repository,
        tag=parse_tag(tag) if tag is not None else None,
        digest=digest,
    )


def reference_of_program(name: str) -> Reference:
    """What an image of a program is called on this machine: its name, as far as a reference can hold it."""
    letters = unicodedata.normalize("NFKD", name).lower()
    if not _REPOSITORY.fullmatch(letters) or "/" in letters:
        letters = "-".join(re.findall("[a-z0-9]+", letters)) or "app"
    return parse_reference(letters[:LONGEST_NAME].rstrip("-._"))


def parse_tag(text: str) -> str:
    """A tag from outside: at most 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`."""
    if not _TAG.fullmatch(text):
        raise InvalidValueError(
            f"{text!r} is not a tag",
            hint="a tag has up to 128 letters, digits, _, . and -, and starts with none of the last two",
        )
    return text


def _split_tag(text: str) -> tuple[str, str | None]:
    head, colon, tail = text.rpartition(":")
    if colon and "/" not in tail:
        return head, tail
    return text, None


def _split_registry(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, repository = first, rest
    else:
        registry, repository = DEFAULT_REGISTRY, text
    if registry in ("index.docker.io", "registry-1.docker.io"):
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository


def _hint_for(text: str, repository: str) -> str:
    scheme, found, rest = text.partition("://")
    if found and scheme in ("docker", "http", "https"):
        return f"without {scheme}://, like {rest}"
    if text.startswith(ELSEWHERE):
        return "it is one of a registry, or oci:DIR[:TAG]; `ferrule inspect` alone reads the others"
    return "repository names are in lower case" if repository != repository.lower() else _HINT
