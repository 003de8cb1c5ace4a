"""One platform's part of an image: its calls of cargo run, and their programs become the image."""

import importlib
from typing import TYPE_CHECKING

import msgspec

from ferrule.cargo.build import Artifact, build
from ferrule.cargo.plan import BuildPlan
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.prepare import Prepared

if TYPE_CHECKING:
    from ferrule.base.entry import FileEntry
    from ferrule.cargo.graph import Graph
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

Plans = tuple[BuildPlan, ...]
Artifacts = tuple[Artifact, ...]


class BuiltPart(msgspec.Struct, frozen=True, kw_only=True):
    """The program and the image for one platform; `beside` are the further programs in it."""

    artifact: Artifact
    made: "Made"
    beside: Artifacts = ()


def get_ready(destinations: Destinations) -> None:
    """Import what comes after cargo while others work: rustc and cargo leave a core idle now and then."""
    for module in (*AFTER_CARGO, *(FOR_A_PUSH if destinations.push else FOR_A_LAYOUT)):
        importlib.import_module(module)


def compile_programs(context: Context, prepared: Prepared, plans: Plans) -> Artifacts:
    """Run cargo for every program of one platform, one call each. Raises `BuildError`."""
    artifacts = []
    for plan in plans:
        if not plan.target.is_native:
            from ferrule.verbs.foreign import get_ready as get_target_ready

            get_target_ready(context, plan)
        link = prepared.settings.link
        artifacts.append(build(context.runner, context.report, plan, link=link, colour=context.colour))
    return tuple(artifacts)


def make_part(
    context: Context, prepared: Prepared, plans: Plans, artifacts: Artifacts, files: "tuple[FileEntry, ...]"
) -> BuiltPart:
    """Make the image of the programs. Raises `ImageError` when its base cannot run one of them."""
    from ferrule.verbs.image import make_image

    for plan, artifact in zip(plans, artifacts, strict=True):
        _warn_of_leaks(context, prepared, plan, artifact)
    files = (*files, *_files_found(context, prepared, plans[0], artifacts[0]))
    made = make_image(context, _contents(prepared, plans, artifacts, files), prepared.settings)
    return BuiltPart(artifact=artifacts[0], made=made, beside=artifacts[1:])


def _contents(
    prepared: Prepared, plans: Plans, artifacts: Artifacts, files: "tuple[FileEntry, ...]"
) -> "Contents":
    from ferrule.cargo.needs import certificates, time_zones
    from ferrule.verbs.image import Contents, Program
    from ferrule.verbs.labels import labels_of, package_labels

    graph = _graph(artifacts)
    known = package_labels(prepared.selection.package)
    return Contents(
        programs=tuple(
            Program(name=plan.selection.binary, path=artifact.path, binary=artifact.binary)
            for plan, artifact in zip(plans, artifacts, strict=True)
        ),
        certificates=certificates(graph),
        time_zones=time_zones(graph),
        labels=lambda base: labels_of({**known, **base}, prepared.settings.labels),
        files=files,
    )


def _graph(artifacts: Artifacts) -> "Graph":
    """What is compiled into any of the programs."""
    from ferrule.cargo.graph import Graph

    packages = dict.fromkeys(package for artifact in artifacts for package in artifact.graph)
    return Graph(packages=tuple(packages), source="the build", features={})


def _files_found(
    context: Context, prepared: Prepared, plan: BuildPlan, artifact: Artifact
) -> "tuple[FileEntry, ...]":
    from ferrule.verbs.run_time_files import run_time_files, say_what_is_found

    graph = _graph((artifact,))
    if plan is prepared.plans[0]:
        say_what_is_found(context.report, prepared, graph)
    return run_time_files(prepared, graph)


def _warn_of_leaks(context: Context, prepared: Prepared, plan: BuildPlan, artifact: Artifact) -> None:
    from ferrule.cargo.leaks import find_leaks
    from ferrule.verbs.hints import baked_hint

    what = "the program" if plan.selection == prepared.selection else plan.selection.binary
    for leak in find_leaks(artifact.path, plan):
        context.report.warn(f"{what} holds a path of this machine: {leak.path} (from {leak.crate})")
        hint = baked_hint(prepared, leak)
        if hint:
            context.report.say(f"hint: {hint}")
