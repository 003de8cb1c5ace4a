"""What is known of a service, as the generated files need it."""

import re

import msgspec

from ferrule.contract import Variable
from ferrule.database import Database
from ferrule.generate.build_facts import Build
from ferrule.health import Health, health_port
from ferrule.values import Port, User

LONGEST_LABEL = 63
"""Of a DNS label, which names in Kubernetes are (RFC 1123)."""

FIRST_OPEN_PORT = 1024
"""Ports below are closed to users of a machine, unless it says otherwise."""


class Sqlx(msgspec.Struct, frozen=True, kw_only=True):
    """What a package that uses SQLx has committed, for the tools that look after it.

    `folder` is the package's, relative to the workspace ("." is its root). `prepared`: there is a `.sqlx`, of
    the whole workspace where `is_whole`. `migrations`: there is a folder of that name in the package.
    """

    folder: str = "."
    prepared: bool = False
    is_whole: bool = False
    migrations: bool = False


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A program of the project and what it asks of the place where it runs.

    `name` is the binary's; `image` a reference with tag or digest, None where none is known. `files` are
    pairs of what is taken along and its place; `migrations` is the folder of them, relative to the package;
    `migrate` are the arguments of a run that migrates; `volumes` are absolute paths. `repository` is the
    source's URL, `folder` the project's in the git repository ("." is its root), and `is_alone` says that
    nothing else in the repository has a workflow of ours. `bases` are images that the project names to
    build its own on. `build` is there for a Dockerfile alone: it takes longer to know.
    """

    name: str
    package: str = ""
    version: str = "0.0.0"
    description: str = ""
    repository: str = ""
    folder: str = "."
    is_alone: bool = True
    bases: tuple[str, ...] = ()
    image: str | None = None
    platforms: tuple[str, ...] = ()
    contract: tuple[Variable, ...] = ()
    args: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    health: Health | None = None
    files: tuple[tuple[str, str], ...] = ()
    migrations: str | None = None
    migrate: tuple[str, ...] | None = None
    database: Database | None = None
    sqlx: Sqlx | None = None
    volumes: tuple[str, ...] = ()
    workdir: str = "/app"
    user: User = User()
    stop_signal: str = "SIGTERM"
    init: bool = False
    capabilities: tuple[str, ...] = ()
    build: Build | None = None

    @property
    def label(self) -> str:
        """The name as a DNS label: small letters, digits and hyphens, a letter first, 63 at most."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        begun = plain if plain[:1].isalpha() else f"app-{plain}".strip("-")
        return begun[:LONGEST_LABEL].rstrip("-")

    @property
    def reference(self) -> str:
        """The image as the files name it: where nothing else is known, this version on this machine."""
        return self.image or f"{self.label}:{self.version.replace('+', '_')}"

    @property
    def is_local(self) -> bool:
        """Whether the image is named without a registry: what one has under the name is somebody else's."""
        return "/" not in self.reference

    @property
    def lowest_port(self) -> int | None:
        """The lowest of those ports that are closed to users; None where there is none of them."""
        return min((port.number for port in self.ports if port.number < FIRST_OPEN_PORT), default=None)

    @property
    def health_port(self) -> int | None:
        """Where the health check asks."""
        return health_port(self.health, self.ports)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A file as its kind would have it: `path` below the project, and the text between the marks."""

    kind: str
    path: str
    text: str

    @property
    def comment(self) -> str:
        """How a comment begins in such a file."""
        return comment_of(self.path)


def comment_of(path: str) -> str:
    """How a comment begins in a file of that name."""
    return "//" if path.endswith(".rs") else "#"
