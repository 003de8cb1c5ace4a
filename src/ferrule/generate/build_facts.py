"""How a program is built, as a Dockerfile needs it: facts that no running service is asked for."""

from typing import Literal

import msgspec

Cache = Literal["mount", "chef"]
Link = Literal["static", "dynamic", "musl"]

SCRATCH = "scratch"
DISTROLESS = "distroless"
DEBIAN = "debian"


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A binary of a package, and whether it is linked without any shared library."""

    package: str
    binary: str
    static: bool = True


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Files that go along: a path below the workspace, a pattern from there on or none, the place."""

    source: str
    pattern: tuple[str, ...] = ()
    target: str


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """What the image is made of and how; the first program is the one that runs.

    `rust` is the version, such as 1.95.0, or the channel (nightly, beta) where no image has its version.
    `base` is scratch, distroless, debian, or an image reference; `link` and `base` have their reasons.
    `profile` are keys and values of cargo's release profile. `target_folder` is cargo's, below the
    workspace, None where it is elsewhere; `folder` is where the Dockerfile lies, below it too. `tools` and
    `libraries` are Debian's packages for the build and for the image. `unknown` are libraries whose packages
    are not known. `has_printed_host` is whether rustc knows `--print host-tuple`. `wants_mimalloc`: ferrule
    would link it, and a Dockerfile cannot.
    """

    rust: str
    programs: tuple[Program, ...]
    has_toolchain_file: bool = False
    has_printed_host: bool = True
    link: Link = "static"
    link_reason: str = ""
    base: str = SCRATCH
    base_reason: str = ""
    cache: Cache = "mount"
    certificates: bool = False
    zones: bool = False
    is_locked: bool = True
    target_folder: str | None = "target"
    folder: str = ""
    profile: tuple[tuple[str, str], ...] = ()
    has_sqlx_data: bool = False
    has_jemalloc: bool = False
    wants_mimalloc: bool = False
    tools: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    files: tuple[Taken, ...] = ()

    @property
    def is_stable(self) -> bool:
        """Whether there is an image of that very version."""
        return self.rust[:1].isdigit()
