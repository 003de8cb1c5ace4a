"""The first half of `plan` and `build`: PROJECT and flags become all that is known before a build."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from ferrule.cargo.metadata import Project, find_manifest, read_project
from ferrule.cargo.plan import BuildPlan, CargoOptions, plan_build
from ferrule.cargo.select import Selection, select
from ferrule.cargo.toolchain import Toolchain, read_toolchain
from ferrule.config import Settings, Source, resolve, tables_of
from ferrule.errors import InvalidValueError, ProjectError
from ferrule.memory import Memory
from ferrule.oci.reference import Reference, parse_reference
from ferrule.verbs.context import Context
from ferrule.verbs.plain import check_plain
from ferrule.verbs.targets import choose_targets

T = TypeVar("T")

BINARY = "{bin}"
SHORT_NAMES = ("auto", "scratch", "fitted", "distroless", "debian")
PACKAGE_TABLE = "package.metadata.ferrule"
WORKSPACE_TABLE = "workspace.metadata.ferrule"


class ProjectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about a project: where it is, which program of it, and how it is built.

    `only_here`: for this machine alone, though the project's settings may name several platforms.
    `allow_secrets`: names of variables and labels that may look like secrets.
    """

    place: Path
    package: str | None = None
    binary: str | None = None
    cargo: CargoOptions
    flags: Source
    only_here: bool = False
    allow_secrets: tuple[str, ...] = ()


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A project with one program chosen, its settings, and a call of cargo for each platform."""

    project: Project
    selection: Selection
    settings: Settings
    plans: tuple[BuildPlan, ...]
    repository: Reference | None

    @property
    def plan(self) -> BuildPlan:
        """That of the first platform."""
        return self.plans[0]

    @property
    def local_name(self) -> Reference:
        """The image's name on this machine: its repository, or the binary's name where it has none."""
        return self.repository or parse_reference(self.selection.binary.lower())


def prepare(context: Context, request: ProjectRequest) -> Prepared:
    """Read the project and the settings. Raises `ProjectError` for whatever is wrong with either."""
    folder = find_manifest(request.place).parent
    with ThreadPoolExecutor(1) as pool:
        # rustc and cargo each take as long as all of the rest: they are asked side by side.
        memory = Memory(context.cache / "toolchains.json")
        toolchain_later = pool.submit(read_toolchain, context.runner, folder, memory)
        project, selection, settings = read_settings(context, request)
        check_plain(settings, request.allow_secrets)
        toolchain = toolchain_later.result()
    return Prepared(
        project=project,
        selection=selection,
        settings=settings,
        plans=_plans(context, request, project, selection, settings, toolchain),
        repository=check_references(settings, selection.binary),
    )


def read_settings(context: Context, request: ProjectRequest) -> tuple[Project, Selection, Settings]:
    """The project, the program that was chosen, and what its tables and the flags say."""
    project = read_project(context.runner, request.place)
    selection = select(project, package=request.package, binary=request.binary, say=context.report.say)
    return project, selection, resolve(_sources(request, project, selection))


def _plans(
    context: Context,
    request: ProjectRequest,
    project: Project,
    selection: Selection,
    settings: Settings,
    toolchain: Toolchain,
) -> tuple[BuildPlan, ...]:
    """A plan for each platform, each once."""
    return tuple(
        plan_build(context.runner, project, selection, request.cargo, toolchain, settings.optimize, target)
        for target in choose_targets(
            context.runner, project, settings, toolchain, only_here=request.only_here
        )
    )


def parse_repository(text: str) -> Reference:
    """A reference without tag or digest; `{bin}` in it stands for the binary."""
    reference = parse_reference(text.replace(BINARY, "bin"))
    if reference.tag or reference.digest:
        raise InvalidValueError(f"{text!r} has a tag or a digest", hint="the tag is chosen by --tag")
    return reference


def parse_base(text: str) -> str:
    """A base's short name, a layout, or an image reference."""
    if text not in SHORT_NAMES and not text.startswith("oci:"):
        parse_reference(text)
    return text


def parse_donor(text: str) -> str:
    """A layout or an image reference."""
    if not text.startswith("oci:"):
        parse_reference(text)
    return text


def _checked(key: str, settings: Settings, parse: Callable[[str], T]) -> T:
    """A value of a table that `config` cannot check: it knows no references. Flags were checked before."""
    try:
        return parse(getattr(settings, key))
    except InvalidValueError as error:
        raise ProjectError(f"{settings.origins[key]}.{key}: {error.message}", hint=error.hint) from error


def _sources(request: ProjectRequest, project: Project, selection: Selection) -> tuple[Source, ...]:
    """Flags before the package's table before the workspace's."""
    return (
        request.flags,
        *tables_of(selection.package.metadata, PACKAGE_TABLE, selection.binary),
        *tables_of(project.workspace.metadata, WORKSPACE_TABLE, selection.binary),
    )


def check_references(settings: Settings, binary: str) -> Reference | None:
    """The image's repository, where one is set. Raises `ProjectError` for a name without its form."""
    _checked("base", settings, parse_base)
    if settings.donor is not None:
        _checked("donor", settings, parse_donor)
    if settings.image is None:
        return None
    return _checked("image", settings, lambda text: parse_repository(text.replace(BINARY, binary)))
