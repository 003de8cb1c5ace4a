"""A build as a value: what cargo will be called with, before anything runs."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from ferrule.atomic import appearing
from ferrule.cargo.flags import (
    SEPARATOR,
    Remap,
    c_environment,
    configured_variables,
    effective_rustflags,
    remap_of,
    toml_string,
)
from ferrule.cargo.metadata import Project
from ferrule.cargo.profile import Profile, choose_profile
from ferrule.cargo.select import Selection
from ferrule.cargo.target import Target
from ferrule.cargo.toolchain import Toolchain, version_numbers
from ferrule.errors import OutputError
from ferrule.process import Command, Runner

BUILD_DIR_SINCE = (1, 91)
"""The first cargo that keeps its work apart from its results; an older one ignores the setting."""

JEMALLOC_PAGE = "JEMALLOC_SYS_WITH_LG_PAGE"
CRT_STATIC = ("-C", "target-feature=+crt-static")


class CargoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Flags that go to cargo as they are. `features` holds the words as cargo takes them."""

    profile: str = "release"
    features: tuple[str, ...] = ()
    all_features: bool = False
    no_default_features: bool = False
    locked: bool = False
    offline: bool = False
    frozen: bool = False
    jobs: int | None = None
    verbose: int = 0

    @property
    def feature_flags(self) -> tuple[str, ...]:
        """The flags that choose features."""
        named = tuple(part for feature in self.features for part in ("--features", feature))
        switches = (
            ("--all-features", self.all_features),
            ("--no-default-features", self.no_default_features),
        )
        return (*named, *(flag for flag, on in switches if on))

    @property
    def lock_flags(self) -> tuple[str, ...]:
        """The flags about Cargo.lock and the network."""
        switches = (("--locked", self.locked), ("--offline", self.offline), ("--frozen", self.frozen))
        return tuple(flag for flag, on in switches if on)


class BuildPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about the call of cargo but the link mode, which the build itself decides.

    `rustflags` are the project's own flags; `target_dir` is a folder of ferrule's, so that the developer's
    stays as warm as it was. `variables` are those that cargo's `[env]` sets.
    """

    project: Project
    selection: Selection
    profile: Profile
    options: CargoOptions
    toolchain: Toolchain
    target: Target
    target_dir: Path
    rustflags: tuple[str, ...]
    remap: Remap
    variables: Mapping[str, str] = {}

    @property
    def triple(self) -> str:
        """The target triple."""
        return self.target.triple

    @property
    def forbids_static(self) -> bool:
        """Whether the project's own flags turn crt-static off; rustc would let ours win."""
        return any("-crt-static" in flag for flag in self.rustflags)

    def command(self, *, static: bool, colour: bool) -> Command:
        """The call of cargo for one link mode. Flags of ours for the link reach the final crate only."""
        last = (*(CRT_STATIC if static else ()), *self.target.flags)
        variant = (*self.profile.flags, *self.options.feature_flags, *last)
        binary = ("-p", self.selection.package.id, "--bin", self.selection.binary)
        jobs = ("-j", str(self.options.jobs)) if self.options.jobs else ()
        verbose = ("-" + "v" * self.options.verbose,) if self.options.verbose else ()
        rendered = "json-diagnostic-rendered-ansi" if colour else "json"
        argv = (
            *(*self.target.program, "rustc", "--manifest-path", str(self.project.manifest), *binary),
            *("--profile", self.profile.name, "--target", self.target.triple_flag),
            *self._folders(variant),
            *(*self.profile.flags, *self.options.feature_flags, *self.options.lock_flags),
            *(*jobs, *verbose, f"--message-format={rendered}"),
            *(("--", *last) if last else ()),
        )
        return Command(argv=argv, cwd=self.project.folder, env=self._environment(), talk=True)

    def _folders(self, variant: tuple[str, ...]) -> tuple[str, ...]:
        """Work is shared by all variants; the finished program lies in a folder of its variant's own.

        Otherwise another build of the project, with other flags, could put its program in the place of ours
        between cargo's end and our reading it.
        """
        out = self.target_dir
        if version_numbers(self.toolchain.release) >= BUILD_DIR_SINCE:
            key = hashlib.sha256("\0".join((*variant, *self.rustflags)).encode()).hexdigest()
            out = self.target_dir / "out" / key[:16]
        build_dir = f"build.build-dir={toml_string(str(self.target_dir))}"
        return ("--target-dir", str(out), "--config", build_dir)

    def _environment(self) -> dict[str, str]:
        flags = SEPARATOR.join((*self.rustflags, *self.remap.rustflags))
        c_flags = c_environment(self.triple, self.remap, {**self.variables, **os.environ})
        own = {**self.target.env, **self._sqlx_environment(), **self._jemalloc_environment()}
        return {"CARGO_ENCODED_RUSTFLAGS": flags, **c_flags, **own}

    def _jemalloc_environment(self) -> dict[str, str]:
        """jemalloc fixes the largest page when it is compiled; arm64 has machines with 4, 16 and 64 KiB.

        A build without a lock file may bring jemalloc, too; to others the variable says nothing.
        """
        if self.target.platform.architecture != "arm64" or JEMALLOC_PAGE in os.environ:
            return {}
        lock = self.project.workspace.lock_file
        may_be_used = not lock.is_file() or b'jemalloc-sys"' in lock.read_bytes()
        return {JEMALLOC_PAGE: "16"} if may_be_used else {}

    @property
    def has_sqlx_data(self) -> bool:
        """Whether the project holds what SQLx would otherwise ask a database for."""
        places = (self.project.workspace.workspace_root, self.selection.package.folder)
        return any((place / ".sqlx").is_dir() for place in places)

    def _sqlx_environment(self) -> dict[str, str]:
        """Committed offline data of SQLx is used: an image must not depend on a database nearby."""
        is_said = "SQLX_OFFLINE" in {**self.variables, **os.environ}
        return {"SQLX_OFFLINE": "true"} if self.has_sqlx_data and not is_said else {}


def plan_build(
    runner: Runner,
    project: Project,
    selection: Selection,
    options: CargoOptions,
    toolchain: Toolchain,
    optimize: str | None,
    target: Target,
) -> BuildPlan:
    """Read what the project has set and decide what to add. Starts cargo only where flags are set."""
    own = output_folder(project)
    target_dir = own / "cargo"
    return BuildPlan(
        project=project,
        selection=selection,
        profile=choose_profile(runner, project, options.profile, optimize),
        options=options,
        toolchain=toolchain,
        target=target,
        target_dir=target_dir,
        rustflags=effective_rustflags(runner, project, triple=target.triple, cache=own),
        remap=remap_of(project, toolchain, target_dir),
        variables=configured_variables(runner, project),
    )


CACHE_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# ferrule makes this folder anew.\n"
"""https://bford.info/cachedir: backups pass it by, and so does a folder of `files` around it."""


def tag_output(project: Project) -> None:
    """Mark ferrule's folder as one that can be made anew. Where it cannot be written, cargo will say so."""
    tag = output_folder(project) / "CACHEDIR.TAG"
    if not tag.is_file():
        with suppress(OSError, OutputError), appearing(tag) as part:
            part.write_text(CACHE_TAG)


def output_folder(project: Project) -> Path:
    """`target/ferrule`, where everything of ferrule's own lies."""
    return project.workspace.target_directory / "ferrule"
