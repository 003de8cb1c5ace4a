"""Whom a request goes to: a reference's registry goes in, the host that is asked and the rights come out."""

import ipaddress
from pathlib import Path

import msgspec

from ferrule.errors import RegistryError
from ferrule.oci.reference import DEFAULT_REGISTRY, Reference

DOCKER_HUB_HOST = "registry-1.docker.io"
MAX_PORT = 65535


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A registry: the name that people and credential files use, and the host (with port) that is asked.

    `plain`: without TLS. Where the user's trust leaves that open, the client finds it out.
    """

    registry: str
    host: str
    plain: bool

    @property
    def url(self) -> str:
        """The registry's address without a path."""
        return f"{'http' if self.plain else 'https'}://{self.host}"

    @property
    def login(self) -> str:
        """What a person types to log in."""
        return "docker login" if self.registry == DEFAULT_REGISTRY else f"docker login {self.registry}"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A repository of a site, and what is asked of it.

    `mirrored` is the registry that the image is named after, where the site is its mirror. `sources` are
    other repositories of the same site that blobs are mounted from: their pull scope has to be in the very
    same token.
    """

    site: Site
    repository: str
    push: bool = False
    mirrored: str = ""
    sources: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """How errors of the site name the repository: whole, where the site is a mirror."""
        return f"{self.mirrored}/{self.repository}" if self.mirrored else self.repository

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of a token for this place, as the Docker registry token specification writes them."""
        own = f"repository:{self.repository}:{'pull,push' if self.push else 'pull'}"
        return (own, *(f"repository:{source}:pull" for source in self.sources))

    def url(self, path: str) -> str:
        """The address of something in the repository: `manifests/…`, `blobs/…`."""
        return f"{self.site.url}/v2/{self.repository}/{path}"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the user trusts.

    `mirrors` are by the registry they stand for; `insecure` hosts may have any certificate or no TLS at all;
    `ca_file` is PEM, believed beside the system's authorities.
    """

    mirrors: dict[str, str] = msgspec.field(default_factory=dict)
    insecure: frozenset[str] = frozenset()
    ca_file: Path | None = None

    def pull(self, reference: Reference) -> Place:
        """Where an image is read: at the registry's mirror, where it has one."""
        mirror = self.mirrors.get(reference.registry.lower())
        if mirror is None:
            return Place(site=self._site(reference.registry), repository=reference.repository)
        return Place(site=self._site(mirror), repository=reference.repository, mirrored=reference.registry)

    def push(self, reference: Reference) -> Place:
        """Where an image is written: at the registry itself, since a mirror is a copy."""
        return Place(site=self._site(reference.registry), repository=reference.repository, push=True)

    def named(self, host: str) -> str:
        """A host as errors name it: with the registries that it is the mirror of."""
        mirrored = sorted(registry for registry, mirror in self.mirrors.items() if mirror.lower() == host)
        return f"{host} (the mirror of {' and '.join(mirrored)})" if mirrored else host

    def is_plain(self, host: str) -> bool:
        """Whether a host (with or without a port) may be spoken to without TLS: this machine, or as told."""
        return self.is_insecure(host) or is_loopback(host)

    def is_insecure(self, host: str) -> bool:
        """Whether the user said that the host (with or without a port) need not prove who it is."""
        return host in self.insecure or _name_of(host) in self.insecure

    def _site(self, registry: str) -> Site:
        name = registry.lower()
        host = DOCKER_HUB_HOST if name == DEFAULT_REGISTRY else name
        if not _is_port(host.removeprefix(_name_of(host))):
            raise RegistryError(f"{registry} is no address of a registry", hint="ports end at 65535")
        return Site(registry=name, host=host, plain=self.is_plain(host))


def is_loopback(host: str) -> bool:
    """Whether a host (with or without a port) is this machine."""
    name = _name_of(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_port(text: str) -> bool:
    return text == "" or 0 < int(text.removeprefix(":")) <= MAX_PORT


def _name_of(host: str) -> str:
    name, colon, port = host.rpartition(":")
    has_port = bool(colon) and port.isdigit() and (":" not in name or name.endswith("]"))
    return name if has_port else host
