"""The main job: a Cargo project becomes an image, and the image goes where it was asked to."""

import importlib
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from ferrule.cargo.build import Artifact, build
from ferrule.cargo.plan import BuildPlan, output_folder
from ferrule.config import Settings
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Delivered, Destinations, Parcel, Passed, check_destinations, deliver
from ferrule.verbs.files import collect_files
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare
from ferrule.verbs.tags import fill_tags

if TYPE_CHECKING:
    from ferrule.base.entry import FileEntry
    from ferrule.cargo.allocator import AllocatorChoice
    from ferrule.image.image import Publishable
    from ferrule.verbs.aids import Aids
    from ferrule.verbs.image import Contents, Made

AFTER_CARGO = (
    "ferrule.verbs.allocator",
    "ferrule.cargo.needs",
    "ferrule.verbs.image",
    "ferrule.verbs.labels",
    "ferrule.verbs.leaks",
    "ferrule.verbs.run_time_files",
    "ferrule.base.skeleton",
)
FOR_A_PUSH = (
    "httpx2",
    "httpcore2",
    "encodings.idna",
    "ferrule.registry.push",
    "ferrule.registry.client",
    "ferrule.registry.credentials",
)
FOR_A_LAYOUT = ("ferrule.image.layout",)


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A program, the call of cargo that made it, and what the image gets for it besides."""

    plan: BuildPlan
    artifact: Artifact
    aids: "Aids"
    allocator: "AllocatorChoice"


def files_of(prepared: Prepared) -> "tuple[FileEntry, ...]":
    """The project's own files of an image; see `collect_files`."""
    folder, root = prepared.selection.package.folder, prepared.project.workspace.workspace_root
    return collect_files(prepared.settings.files, folder, root, prepared.programs)


class BuiltPart(msgspec.Struct, frozen=True, kw_only=True):
    """The program and the image for one platform; `beside` are the further programs in it."""

    artifact: Artifact
    allocator: "AllocatorChoice"
    made: "Made"
    beside: tuple[Artifact, ...] = ()


class BuiltImage(msgspec.Struct, frozen=True, kw_only=True):
    """What was built and delivered, for one platform or several."""

    prepared: Prepared
    content: "Publishable"
    parts: tuple[BuiltPart, ...]
    tags: tuple[str, ...]
    delivered: tuple[Delivered, ...]
    passed: Passed | None = None


class Built(BuiltImage, frozen=True, kw_only=True):
    """The same with the time that it took, in seconds."""

    cargo_seconds: float
    own_seconds: float


def build_image(
    context: Context, request: ProjectRequest, tags: tuple[str, ...], destinations: Destinations
) -> Built:
    """Prepare, run cargo, make the image, deliver it.

    Nothing is written outside `target/ferrule` and the cache before the image is known to run on its base.
    """
    started = time.monotonic()
    threading.Thread(target=get_ready, args=(destinations,)).start()
    prepared = prepare(context, request)
    package = prepared.selection.package
    filled = fill_tags(context.runner, tags, version=package.version, folder=prepared.project.folder)
    destinations = destinations.for_binary(prepared.selection.binary)
    check_destinations(destinations, prepared.repository)
    gated = destinations.is_gated(prepared.settings)
    if gated:
        from ferrule.verbs.gate import check_gate, pass_gate

        check_gate(prepared.settings, destinations)
    files = files_of(prepared)
    parts = tuple(
        make_part(context, prepared, compile_part(context, prepared, plans), files)
        for plans in prepared.groups
    )
    warn_of_paths(context, prepared, parts)
    parcel = parcel_of(prepared, parts, filled, filled)
    passed = None
    if gated:
        passed = pass_gate(context, prepared.settings, parcel, package.version, destinations)
    delivered = deliver(context, parcel, destinations)
    cargo_seconds = cargo_seconds_of(parts)
    return Built(
        prepared=prepared,
        content=parcel.content,
        parts=parts,
        tags=filled,
        delivered=delivered,
        passed=passed,
        cargo_seconds=cargo_seconds,
        own_seconds=time.monotonic() - started - cargo_seconds,
    )


def parcel_of(
    prepared: Prepared, parts: tuple[BuiltPart, ...], tags: tuple[str, ...], layout_tags: tuple[str, ...]
) -> Parcel:
    """The finished image, or an index of several, under its names."""
    from ferrule.image.image import index_images

    return Parcel(
        content=index_images(tuple(part.made.image for part in parts)),
        name=prepared.local_name,
        tags=tags,
        programs=tuple(part.artifact.path for part in parts),
        layout=output_folder(prepared.project) / "image",
        layout_tags=layout_tags,
    )


def warn_of_paths(context: Context, prepared: Prepared, parts: tuple[BuiltPart, ...]) -> None:
    """Name the paths of this machine that each of the image's programs holds, on whatever platforms."""
    from ferrule.verbs.leaks import warn_of_leaks

    programs = tuple((part.artifact.path, *(other.path for other in part.beside)) for part in parts)
    for number, plans in enumerate(zip(*prepared.groups, strict=True)):
        paths = (each[number] for each in programs)
        who = "the program" if number == 0 else plans[0].selection.binary
        warn_of_leaks(context.report, prepared, who, zip(plans, paths, strict=True))


def cargo_seconds_of(parts: tuple[BuiltPart, ...]) -> float:
    """What cargo took for all programs on all platforms."""
    return sum(artifact.seconds for part in parts for artifact in (part.artifact, *part.beside))


def compile_part(context: Context, prepared: Prepared, plans: tuple[BuildPlan, ...]) -> tuple[Compiled, ...]:
    """Run cargo for every program of one platform's image, one call each. Raises `BuildError`."""
    return tuple(_compile(context, prepared, plan) for plan in plans)


def _compile(context: Context, prepared: Prepared, plan: BuildPlan) -> Compiled:
    from ferrule.verbs.aids import aids_of_build

    settings = prepared.settings
    linked, allocator = _linked(context, settings, plan)
    aids = aids_of_build(context, settings, plan)  # before cargo: what cannot be made is said at once
    artifact = build(
        context.runner,
        context.report,
        linked,
        link=settings.link,
        colour=context.colour,
        asked=settings.why("link", ""),
    )
    if allocator is None:
        from ferrule.cargo.graph import Graph
        from ferrule.verbs.allocator import chosen_allocator

        graph = Graph(packages=artifact.graph, source="the build", features={})
        allocator = chosen_allocator(settings, plan, graph)
    return Compiled(plan=plan, artifact=artifact, aids=aids, allocator=allocator)


def _linked(
    context: Context, settings: Settings, plan: BuildPlan
) -> "tuple[BuildPlan, AllocatorChoice | None]":
    """What depends on the program's crates before it is built: nothing, for most programs."""
    if plan.target.is_native and settings.allocator != "mimalloc":
        return plan, None
    from ferrule.cargo.graph import read_graph
    from ferrule.cargo.lock import write_missing_lock
    from ferrule.verbs.allocator import link_allocator
    from ferrule.verbs.foreign import get_ready

    write_missing_lock(context.runner, context.report, plan)
    graph = read_graph(context.runner, plan)
    if not plan.target.is_native:
        get_ready(context, plan, graph)
    return link_allocator(context, settings, plan, graph)


def make_part(
    context: Context, prepared: Prepared, compiled: tuple[Compiled, ...], files: "tuple[FileEntry, ...]"
) -> BuiltPart:
    """Make the image of the programs. Raises `ImageError` when its base cannot run one of them."""
    from ferrule.verbs.image import make_image

    main, *others = compiled
    files = (*files, *_files_found(context, prepared, main.plan, main.artifact))
    made = make_image(context, _contents(prepared, compiled, files), prepared.settings)
    beside = tuple(each.artifact for each in others)
    return BuiltPart(artifact=main.artifact, allocator=main.allocator, made=made, beside=beside)


def get_ready(destinations: Destinations) -> None:
    """Import what comes after cargo while others work: rustc and cargo leave a core idle now and then."""
    for module in (*AFTER_CARGO, *(FOR_A_PUSH if destinations.push else FOR_A_LAYOUT)):
        importlib.import_module(module)


def _contents(
    prepared: Prepared, compiled: tuple[Compiled, ...], files: "tuple[FileEntry, ...]"
) -> "Contents":
    from ferrule.cargo.graph import Graph
    from ferrule.cargo.needs import certificates, time_zones
    from ferrule.verbs.allocator import allocator_labels
    from ferrule.verbs.image import Contents, Program
    from ferrule.verbs.labels import labels_of, package_labels

    packages = dict.fromkeys(package for each in compiled for package in each.artifact.graph)
    graph = Graph(packages=tuple(packages), source="the build", features={})
    known, own = package_labels(prepared.selection.package), allocator_labels(compiled[0].allocator)
    return Contents(
        programs=tuple(
            Program(name=each.plan.selection.binary, path=each.artifact.path, binary=each.artifact.binary)
            for each in compiled
        ),
        certificates=certificates(graph),
        time_zones=time_zones(graph),
        labels=lambda base: labels_of({**known, **base}, {**own, **prepared.settings.labels}),
        files=files,
        aids=compiled[0].aids,
    )


def _files_found(
    context: Context, prepared: Prepared, plan: BuildPlan, artifact: Artifact
) -> "tuple[FileEntry, ...]":
    from ferrule.cargo.graph import Graph
    from ferrule.verbs.run_time_files import run_time_files, say_what_is_found

    graph = Graph(packages=artifact.graph, source="the build", features={})
    if plan is prepared.plans[0]:
        say_what_is_found(context.report, prepared, graph)
    return run_time_files(prepared, graph)
