"""How a program is built, for its Dockerfile: what `ferrule build` would decide, asked without building."""

import os
import posixpath
import re
import tomllib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import cast

import msgspec
from msgspec.structs import replace

from ferrule.base.choose import LAYOUT, expected_base
from ferrule.base.known import FITTED
from ferrule.cargo.build import known_choice
from ferrule.cargo.debian import LIBRARIES, libraries_of_crates, packages_to_build, packages_to_run
from ferrule.cargo.graph import Graph, read_graph
from ferrule.cargo.link import LinkChoice, LinkMemory
from ferrule.cargo.metadata import Project
from ferrule.cargo.needs import certificates, expected_link, time_zones
from ferrule.cargo.own_code import libraries_of_sources
from ferrule.cargo.plan import BuildPlan, output_folder
from ferrule.cargo.rustup import TOOLCHAIN_FILES
from ferrule.cargo.toolchain import Toolchain, version_numbers
from ferrule.errors import ProjectError
from ferrule.generate.build_facts import DEBIAN, DISTROLESS, SCRATCH, Build, Cache, Link, Program, Taken
from ferrule.values import FileCopy
from ferrule.verbs.allocator import chosen_allocator
from ferrule.verbs.context import Context
from ferrule.verbs.files import split_source
from ferrule.verbs.labels import labels_of, package_labels
from ferrule.verbs.migrations import find_migrations
from ferrule.verbs.plan import merged, most_demanding
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare

NUMBER = re.compile(rb"""^\s*(?:channel\s*=\s*["'])?\d+\.\d+""", re.MULTILINE)
"""What a toolchain file names a version by; `stable` is another one next month."""

PRINTS_HOST = (1, 84)
"""The first rustc that knows `--print host-tuple`."""

IN_DISTROLESS = frozenset({"libssl3"})
"""What Debian's packages in its image `cc` have beside the loader, glibc, libgcc and libstdc++."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a Dockerfile; `base` is over the project's own.

    `cache` is None for what is written in the file already, and mounts where there is none. `rust` is the
    version that does for a project which names none; else it is the one that is installed here. `folder` is
    where the Dockerfile goes; outside of the project it is written as if for its root.
    """

    cache: Cache | None = None
    base: str | None = None
    rust: str | None = None
    folder: Path | None = None


def build_facts(
    context: Context, request: ProjectRequest, wish: Wish, project: Project | None = None
) -> Build:
    """All of them; `project` where it has been read. Raises `ProjectError` for a base that a Dockerfile
    cannot name.
    """
    prepared = prepare(context, _for_this_machine(request), project)
    plans = prepared.groups[0]
    graphs = tuple(read_graph(context.runner, plan) for plan in plans)
    whole, links = merged(graphs), tuple(map(_link_of(context, prepared), plans, graphs))
    link = most_demanding(links)
    locked = _locked(prepared.project.workspace.lock_file)
    shared = _shared(plans, whole) if link.mode == "dynamic" else ()
    libraries = packages_to_run(shared)
    unknown = (*(name for name in shared if name not in LIBRARIES), *prepared.settings.libraries)
    base, reason = _base(prepared, link, libraries, unknown, wish)
    root = prepared.project.workspace.workspace_root
    plan = prepared.plan
    rust = _rust(plan.toolchain, root, wish)
    _warn_of_outsiders(context, prepared)
    return Build(
        rust=rust,
        has_toolchain_file=any((root / name).is_file() for name in TOOLCHAIN_FILES),
        has_printed_host=version_numbers(rust if rust[:1].isdigit() else plan.toolchain.release)
        >= PRINTS_HOST,
        programs=tuple(map(_program, plans, links)),
        link=cast("Link", "musl" if plan.target.is_musl else link.mode),
        link_reason=link.reason,
        base=base,
        base_reason=reason,
        cache=wish.cache or "mount",
        certificates=certificates(whole).wanted,
        zones=time_zones(whole).wanted,
        is_locked=prepared.project.workspace.lock_file.is_file(),
        folder=_folder(root, wish),
        target_folder=_below(root, prepared.project.workspace.target_directory),
        profile=tuple((add.key, add.value.strip('"')) for add in plan.profile.additions),
        has_sqlx_data=plan.has_sqlx_data,
        has_jemalloc=bool({"tikv-jemalloc-sys", "jemalloc-sys"} & locked),
        wants_mimalloc=chosen_allocator(prepared.settings, plan, whole).name == "mimalloc",
        tools=packages_to_build(shared, locked, plan.rustflags),
        libraries=libraries,
        unknown=unknown,
        labels=tuple(labels_of(package_labels(prepared.selection.package), prepared.settings.labels).items()),
        files=_files(prepared, whole),
    )


def _for_this_machine(request: ProjectRequest) -> ProjectRequest:
    """Without other platforms: what links for them here says nothing of what links in a container."""
    table = replace(request.flags.table, platforms=())
    return replace(request, flags=replace(request.flags, table=table))


def _link_of(context: Context, prepared: Prepared) -> Callable[[BuildPlan, Graph], LinkChoice]:
    """As `plan` decides; what only a build has found out is said, since another machine does not know it."""
    settings = prepared.settings

    def decide(plan: BuildPlan, graph: Graph) -> LinkChoice:
        expected = known_choice(plan, settings.link, settings.why("link", "")) or expected_link(graph)
        found = LinkMemory(output_folder(prepared.project)).recall(plan) if settings.link == "auto" else None
        if found is None or found.mode == expected.mode:
            return expected
        context.report.warn(
            f"only a build has found out that it is {found.mode} ({found.reason}): "
            f'set link = "{found.mode}", so that every machine writes the same Dockerfile'
        )
        return found

    return decide


def _warn_of_outsiders(context: Context, prepared: Prepared) -> None:
    """Name crates that no build sees whose context is the project."""
    workspace = prepared.project.workspace
    paths = {each.path for package in workspace.packages for each in package.dependencies if each.path}
    for path in sorted(paths):
        if not path.is_relative_to(workspace.workspace_root):
            context.report.warn(f"{path} lies outside of the project: `docker build` does not see it")


def _program(plan: BuildPlan, link: LinkChoice) -> Program:
    selection = plan.selection
    return Program(
        package=selection.package.name,
        binary=selection.binary,
        static=link.mode == "static" and not plan.target.is_musl,
    )


def _rust(toolchain: Toolchain, root: Path, wish: Wish) -> str:
    """The version, or the channel of one that is not stable."""
    files = (root / name for name in TOOLCHAIN_FILES)
    named = any(NUMBER.search(file.read_bytes()) for file in files if file.is_file())
    if wish.rust and not named:
        return wish.rust
    number, _, channel = toolchain.release.partition("-")
    return channel.partition(".")[0] or number


def _shared(plans: tuple[BuildPlan, ...], graph: Graph) -> tuple[str, ...]:
    """The system's libraries that the programs link, by crates or by the project's own code."""
    own = (
        library
        for plan in plans
        for library in libraries_of_sources(
            plan.project.workspace, plan.selection.package, plan.selection.binary
        )
    )
    return tuple(dict.fromkeys((*libraries_of_crates(graph), *own)))


def _base(
    prepared: Prepared, link: LinkChoice, libraries: tuple[str, ...], unknown: tuple[str, ...], wish: Wish
) -> tuple[str, str]:
    """A word or an image, and the reason. A fitted base is what its libraries' packages are in."""
    settings, static = prepared.settings, link.mode != "dynamic"
    choice = expected_base(wish.base or settings.base, static=static)
    asked = wish.base or settings.base
    if choice.name == SCRATCH and not static:
        raise ProjectError(
            f"the program is dynamic ({link.reason}), and scratch has nothing",
            hint="add --base distroless or --base debian",
        )
    if choice.name.startswith(LAYOUT):
        raise ProjectError(
            f"a Dockerfile cannot start from {choice.name}, a layout on disk",
            hint="add --base with an image of a registry",
        )
    if choice.name == FITTED:
        return _in_place_of_fitted(libraries, unknown)
    if asked in (DISTROLESS, DEBIAN):
        return asked, ""
    return choice.name, ""


def _in_place_of_fitted(libraries: tuple[str, ...], unknown: tuple[str, ...]) -> tuple[str, str]:
    ours = "ferrule takes the loader and the libraries that the program links, and no more"
    if set(libraries) <= IN_DISTROLESS and not unknown:
        return DISTROLESS, f"{ours}; the smallest public image that has them is this one"
    return DEBIAN, f"{ours}; a Dockerfile installs their packages, with all that these need"


def _locked(lock: Path) -> frozenset[str]:
    """The names of all crates in the lock file."""
    try:
        with lock.open("rb") as stream:
            return frozenset(str(entry["name"]) for entry in tomllib.load(stream).get("package", []))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError):
        return frozenset()


def _folder(root: Path, wish: Wish) -> str:
    """Where the Dockerfile lies below the root, empty for there and for anywhere else."""
    below = None if wish.folder is None else _below(root, wish.folder.resolve())
    return "" if below in (None, ".") else str(below)


def _below(root: Path, folder: Path) -> str | None:
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else None


def _files(prepared: Prepared, graph: Graph) -> tuple[Taken, ...]:
    """What `files` and `migrations` name, and migrations that a source reads at run time."""
    found = find_migrations(prepared, graph)
    unasked = (found.unasked,) if found is not None and found.unasked is not None else ()
    return tuple(_taken(copy, prepared) for copy in (*prepared.settings.files, *unasked))


def _taken(copy: FileCopy, prepared: Prepared) -> Taken:
    """Its source as the workspace has it. Raises `ProjectError` for one that is outside."""
    root, folder = prepared.project.workspace.workspace_root, prepared.selection.package.folder
    start, pattern = split_source(copy.source, folder)
    source = posixpath.normpath(os.path.relpath(folder / start, root))
    if PurePosixPath(source).parts[:1] == ("..",):
        hint = "only files of the project go into its image; copy it there"
        raise ProjectError(f"the file {copy.source!r} leaves the project", hint=hint)
    return Taken(source="" if source == "." else source, pattern=pattern, target=str(copy.target))
