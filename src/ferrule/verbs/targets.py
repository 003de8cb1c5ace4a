"""Which targets a project is built for: its settings and cargo's configuration go in, `Target`s come out."""

import json
import os
from collections.abc import Mapping

from ferrule.cargo.metadata import Project
from ferrule.cargo.sources import config_files, mentions
from ferrule.cargo.target import Target, Tools, choose_target, platform_of
from ferrule.cargo.toolchain import Toolchain
from ferrule.config import Settings
from ferrule.errors import InvalidValueError, ProjectError
from ferrule.oci.platform import Platform, parse_platform, this_platform
from ferrule.process import Command, Runner


def choose_targets(
    runner: Runner, project: Project, settings: Settings, toolchain: Toolchain, *, only_here: bool
) -> tuple[Target, ...]:
    """One for each platform; without any, those of cargo's `build.target`, or this machine's.

    Several targets of one platform make one image; those of other systems than Linux make none. A platform
    whose targets are all with musl is built so, unless the settings say otherwise.

    With `only_here`, of several only that which this machine runs, or the first where it runs none.
    """
    glibc, platforms = settings.glibc, named_platforms(settings)
    for_musl: frozenset[Platform] = frozenset()
    if not platforms:
        triples = _configured_targets(runner, project) or (toolchain.host,)
        linux = {triple: platform for triple in triples if (platform := platform_of(triple)) is not None}
        platforms = tuple(dict.fromkeys(linux.values())) or (this_platform(),)
        if settings.link in ("auto", "static") and glibc is None:
            for_glibc = {platform for triple, platform in linux.items() if "-linux-musl" not in triple}
            for_musl = frozenset(linux.values()) - for_glibc
    if only_here:
        fitting = (platform for platform in platforms if this_platform().runs(platform))
        platforms = (next(fitting, platforms[0]),)
    links = {platform: "musl" if platform in for_musl else settings.link for platform in platforms}
    tools = _tools(toolchain, project, links, glibc)
    return tuple(
        choose_target(platform, link, glibc, toolchain.host, tools) for platform, link in links.items()
    )


def named_platforms(settings: Settings) -> tuple[Platform, ...]:
    """Those of the settings. Raises `ProjectError` for what is none."""
    try:
        return parse_platforms(settings.platforms)
    except InvalidValueError as error:
        where = f"{settings.origins['platforms']}.platforms"
        raise ProjectError(f"{where}: {error.message}", hint=error.hint) from error


def parse_platforms(texts: tuple[str, ...]) -> tuple[Platform, ...]:
    """Each once, in their order; one text may name several with commas between them."""
    names = (name.strip() for text in texts for name in text.split(","))
    return tuple(dict.fromkeys(parse_platform(name) for name in names if name))


def _tools(toolchain: Toolchain, project: Project, links: Mapping[Platform, str], glibc: str | None) -> Tools:
    """Looked for only where this machine's own linker will not do."""
    own = platform_of(toolchain.host)
    if tuple(links) == (own,) and "musl" not in links.values() and glibc is None:
        return Tools()
    from ferrule.cargo.tools import find_tools

    return find_tools(toolchain, project.folder)


def _configured_targets(runner: Runner, project: Project) -> tuple[str, ...]:
    """cargo's `build.target`: one, several, or none."""
    named = os.environ.get("CARGO_BUILD_TARGET")
    if named is not None:
        return (named,)
    if not mentions(config_files(project.folder), ("target", "include")):
        return ()
    # The bootstrap variable opens an unstable query on a stable cargo; it builds nothing.
    argv = ("cargo", "-Zunstable-options", "config", "get", "--format", "json-value", "build.target")
    finished = runner.run(Command(argv=argv, cwd=project.folder, env={"RUSTC_BOOTSTRAP": "1"}))
    try:
        found = json.loads(finished.stdout) if finished.ok else None
    except ValueError:
        return ()
    return tuple(str(each) for each in (found if isinstance(found, list) else [found]) if each)
