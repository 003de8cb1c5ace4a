"""The main job: a Cargo project becomes an image, and the image goes where it was asked to."""

import importlib
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from ferrule.cargo.build import Artifact, build
from ferrule.cargo.plan import BuildPlan, output_folder
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Delivered, Destinations, Parcel, check_destinations, deliver
from ferrule.verbs.files import collect_files
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare
from ferrule.verbs.tags import fill_tags

if TYPE_CHECKING:
    from ferrule.base.entry import FileEntry
    from ferrule.image.image import Publishable
    from ferrule.verbs.image import Contents, Made

AFTER_CARGO = (
    "ferrule.cargo.leaks",
    "ferrule.cargo.needs",
    "ferrule.verbs.image",
    "ferrule.verbs.labels",
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


class BuiltPart(msgspec.Struct, frozen=True, kw_only=True):
    """The program and the image for one platform."""

    artifact: Artifact
    made: "Made"


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What was built and delivered, for one platform or several. Times in seconds."""

    prepared: Prepared
    content: "Publishable"
    parts: tuple[BuiltPart, ...]
    tags: tuple[str, ...]
    delivered: tuple[Delivered, ...]
    cargo_seconds: float
    own_seconds: float


def build_image(
    context: Context, request: ProjectRequest, tags: tuple[str, ...], destinations: Destinations
) -> Built:
    """Prepare, run cargo, make the image, deliver it.

    Nothing is written outside `target/ferrule` and the cache before the image is known to run on its base.
    """
    started = time.monotonic()
    threading.Thread(target=_get_ready, args=(destinations,)).start()
    prepared = prepare(context, request)
    package = prepared.selection.package
    filled = fill_tags(context.runner, tags, version=package.version, folder=prepared.project.folder)
    check_destinations(destinations, prepared.repository)
    gated = destinations.is_gated(prepared.settings)
    if gated:
        from ferrule.verbs.gate import check_gate, pass_gate

        check_gate(prepared.settings, destinations)
    workspace = prepared.project.workspace
    files = collect_files(prepared.settings.files, package.folder, workspace.workspace_root)
    parts = tuple(_build_part(context, prepared, plan, files) for plan in prepared.plans)
    from ferrule.image.image import index_images

    parcel = Parcel(
        content=index_images(tuple(part.made.image for part in parts)),
        name=prepared.local_name,
        tags=filled,
        programs=tuple(part.artifact.path for part in parts),
        layout=output_folder(prepared.project) / "image",
    )
    if gated:
        pass_gate(context, prepared.settings, parcel, package.version, destinations)
    delivered = deliver(context, parcel, destinations)
    cargo_seconds = sum(part.artifact.seconds for part in parts)
    return Built(
        prepared=prepared,
        content=parcel.content,
        parts=parts,
        tags=filled,
        delivered=delivered,
        cargo_seconds=cargo_seconds,
        own_seconds=time.monotonic() - started - cargo_seconds,
    )


def _build_part(
    context: Context, prepared: Prepared, plan: BuildPlan, files: "tuple[FileEntry, ...]"
) -> BuiltPart:
    link = prepared.settings.link
    if not plan.target.is_native:
        from ferrule.verbs.foreign import get_ready

        get_ready(context, plan)
    artifact = build(context.runner, context.report, plan, link=link, colour=context.colour)
    from ferrule.verbs.image import make_image

    _warn_of_leaks(context, prepared, plan, artifact)
    files = (*files, *_files_found(context, prepared, plan, artifact))
    made = make_image(context, _contents(prepared, artifact, files), prepared.settings)
    return BuiltPart(artifact=artifact, made=made)


def _get_ready(destinations: Destinations) -> None:
    """Import what comes after cargo while others work: rustc and cargo leave a core idle now and then."""
    for module in (*AFTER_CARGO, *(FOR_A_PUSH if destinations.push else FOR_A_LAYOUT)):
        importlib.import_module(module)


def _contents(prepared: Prepared, artifact: Artifact, files: "tuple[FileEntry, ...]") -> "Contents":
    from ferrule.cargo.graph import Graph
    from ferrule.cargo.needs import certificates, time_zones
    from ferrule.verbs.image import Contents, Program
    from ferrule.verbs.labels import labels_of, package_labels

    graph = Graph(packages=artifact.graph, source="the build", features={})
    known = package_labels(prepared.selection.package)
    program = Program(name=prepared.selection.binary, path=artifact.path, binary=artifact.binary)
    return Contents(
        programs=(program,),
        certificates=certificates(graph),
        time_zones=time_zones(graph),
        labels=lambda base: labels_of({**known, **base}, prepared.settings.labels),
        files=files,
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


def _warn_of_leaks(context: Context, prepared: Prepared, plan: BuildPlan, artifact: Artifact) -> None:
    from ferrule.cargo.leaks import find_leaks
    from ferrule.verbs.hints import baked_hint

    for leak in find_leaks(artifact.path, plan):
        context.report.warn(f"the program holds a path of this machine: {leak.path} (from {leak.crate})")
        hint = baked_hint(prepared, leak)
        if hint:
            context.report.say(f"hint: {hint}")
