"""The first half of `plan` and `build`: PROJECT and flags become all that is known before a build."""

import difflib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from ferrule.cargo.metadata import Package, Project, find_manifest, read_project
from ferrule.cargo.plan import BuildPlan, CargoOptions, plan_build
from ferrule.cargo.select import Selection, select, select_all, select_beside
from ferrule.cargo.toolchain import Toolchain, read_toolchain
from ferrule.config import Settings, resolve
from ferrule.errors import InvalidValueError, ProjectError
from ferrule.oci.reference import Reference, parse_reference, reference_of_program
from ferrule.process import Runner
from ferrule.tables import Source, tables_of
from ferrule.values import BINARY, PROGRAM_FOLDER
from ferrule.verbs.context import Context
from ferrule.verbs.plain import check_plain
from ferrule.verbs.targets import choose_targets

T = TypeVar("T")

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
    """A project with one program chosen, its settings, and a call of cargo for each platform.

    `beside` are the calls for further programs of the same image, in a group for each of `plans`.
    """

    project: Project
    selection: Selection
    settings: Settings
    plans: tuple[BuildPlan, ...]
    repository: Reference | None
    beside: tuple[tuple[BuildPlan, ...], ...] = ()

    @property
    def plan(self) -> BuildPlan:
        """That of the first platform."""
        return self.plans[0]

    @property
    def local_name(self) -> Reference:
        """The image's name on this machine: its repository, or the binary's name where it has none."""
        return self.repository or reference_of_program(self.selection.binary)

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of all programs of the image, that of the one that runs first."""
        return tuple(plan.selection.binary for plan in self.groups[0])

    @property
    def groups(self) -> tuple[tuple[BuildPlan, ...], ...]:
        """For each platform the calls for all programs of its image, that of the one that runs first."""
        if not self.beside:
            return tuple((plan,) for plan in self.plans)
        return tuple((plan, *others) for plan, others in zip(self.plans, self.beside, strict=True))


def prepare(context: Context, request: ProjectRequest, project: Project | None = None) -> Prepared:
    """Read the project, where it is not at hand, and the settings.

    Raises `ProjectError` for whatever is wrong with either.
    """

    def choose(project: Project) -> tuple[Selection, ...]:
        return (select(project, package=request.package, binary=request.binary, say=context.report.say),)

    (prepared,) = _prepare(context, request, choose, project)
    return prepared


def prepare_all(context: Context, request: ProjectRequest) -> tuple[Prepared, ...]:
    """The same for every binary of the package that is asked for, or of the default members, by name."""
    from ferrule.cargo.feature_set import turned_on

    def choose(project: Project) -> tuple[Selection, ...]:
        return select_all(
            project,
            package=request.package,
            turned_on=lambda package: turned_on(request.cargo, package),
            say=context.report.say,
        )

    return _prepare(context, request, choose)


def _prepare(
    context: Context,
    request: ProjectRequest,
    choose: Callable[[Project], tuple[Selection, ...]],
    project: Project | None = None,
) -> tuple[Prepared, ...]:
    runner = context.runner
    folder = find_manifest(request.place).parent
    with ThreadPoolExecutor(1) as pool:
        # rustc and cargo each take as long as all of the rest: they are asked side by side.
        toolchain_later = pool.submit(read_toolchain, runner, folder, context.toolchains)
        project = project or read_project(runner, request.place)
        selections = choose(project)
        settings = tuple(resolve(_sources(request, project, each)) for each in selections)
        for own in settings:
            check_plain(own, request.allow_secrets)
        toolchain = toolchain_later.result()
    chosen = tuple(each.package for each in selections)
    return tuple(
        _prepared(runner, request, project, toolchain, chosen, selection, own)
        for selection, own in zip(selections, settings, strict=True)
    )


def _prepared(
    runner: Runner,
    request: ProjectRequest,
    project: Project,
    toolchain: Toolchain,
    chosen: tuple[Package, ...],
    selection: Selection,
    settings: Settings,
) -> Prepared:
    """A plan for each platform, each once."""
    further = _further(project, selection, settings)
    packages = {each.id: each for each in (*chosen, *(other.package for other in further))}

    def options(package: Package) -> CargoOptions:
        if len(packages) == 1:
            return request.cargo
        from ferrule.cargo.feature_set import options_for

        return options_for(request.cargo, package, tuple(packages.values()))

    own = options(selection.package)
    plans = tuple(
        plan_build(runner, project, selection, own, toolchain, settings.optimize, target)
        for target in choose_targets(runner, project, settings, toolchain, only_here=request.only_here)
    )
    others = tuple(
        tuple(replace(plan, selection=each, options=options(each.package)) for each in further)
        for plan in plans
    )
    return Prepared(
        project=project,
        selection=selection,
        settings=settings,
        plans=plans,
        repository=check_references(settings, selection.binary),
        beside=others if further else (),
    )


def read_settings(context: Context, request: ProjectRequest) -> tuple[Project, Selection, Settings]:
    """The project, the program that was chosen, and what its tables and the flags say."""
    project = read_project(context.runner, request.place)
    selection = select(project, package=request.package, binary=request.binary, say=context.report.say)
    return project, selection, resolve(_sources(request, project, selection))


def _further(project: Project, selection: Selection, settings: Settings) -> tuple[Selection, ...]:
    """The programs of `include-bins`, each once."""
    try:
        return tuple(select_beside(project, selection, name) for name in dict.fromkeys(settings.include_bins))
    except ProjectError as error:
        origin = settings.origins["include-bins"]
        where = origin if origin.startswith("--") else f"{origin}.include-bins"
        raise ProjectError(f"{where}: {error.message}", hint=error.hint) from error


def parse_repository(text: str) -> Reference:
    """A reference without tag or digest; `{bin}` in it stands for the binary."""
    reference = parse_reference(text.replace(BINARY, "bin"))
    if reference.tag or reference.digest:
        raise InvalidValueError(f"{text!r} has a tag or a digest", hint="the tag is chosen by --tag")
    return reference


def parse_base(text: str) -> str:
    """A base's short name, a layout, or an image reference."""
    return text if text in SHORT_NAMES else parse_donor(text)


def parse_donor(text: str) -> str:
    """A layout or an image reference."""
    if not text.startswith("oci:"):
        parse_reference(text)
    elif "\0" in text or text == "oci:":
        raise InvalidValueError(f"{text!r} is not a layout", hint="write it like oci:DIR or oci:DIR:TAG")
    return text


def _checked(key: str, settings: Settings, parse: Callable[[str], T]) -> T:
    """A value of a table that `config` cannot check: it knows no references. Flags were checked before."""
    try:
        return parse(getattr(settings, key))
    except InvalidValueError as error:
        raise ProjectError(f"{settings.origins[key]}.{key}: {error.message}", hint=error.hint) from error


def _sources(request: ProjectRequest, project: Project, selection: Selection) -> tuple[Source, ...]:
    """Flags before the package's table before the workspace's."""
    own, packages = selection.package, project.workspace.packages
    _check_names(own.metadata, PACKAGE_TABLE, own.binaries)
    _check_names(
        project.workspace.metadata,
        WORKSPACE_TABLE,
        tuple(name for each in packages for name in each.binaries),
    )
    return (
        request.flags,
        *tables_of(selection.package.metadata, PACKAGE_TABLE, selection.binary),
        *tables_of(project.workspace.metadata, WORKSPACE_TABLE, selection.binary),
    )


def _check_names(metadata: Mapping[str, Any] | None, path: str, known: tuple[str, ...]) -> None:
    """Refuse a table for a binary that is not there: its settings would be lost without a word."""
    table = (metadata or {}).get("ferrule")
    binaries = table.get("bin") if isinstance(table, Mapping) else None
    for name in binaries if isinstance(binaries, Mapping) else ():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none'}"
            raise ProjectError(f"{path}.bin.{name}: there is no binary of that name", hint=hint)


def check_references(settings: Settings, binary: str) -> Reference | None:
    """The image's repository, where one is set.

    Raises `ProjectError` for a name without its form, and for a volume in the place of the program.
    """
    if PROGRAM_FOLDER / binary in settings.volumes:
        origin = settings.origins["volumes"]
        where = origin if origin.startswith("--") else f"{origin}.volumes"
        raise ProjectError(
            f"{where}: {PROGRAM_FOLDER / binary} is the program",
            hint="choose a folder of its own for data, like /data",
        )
    _checked("base", settings, parse_base)
    if settings.donor is not None:
        _checked("donor", settings, parse_donor)
    if settings.image is None:
        return None
    return _checked("image", settings, lambda text: parse_repository(text.replace(BINARY, binary)))
