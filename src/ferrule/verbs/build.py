"""The main job: a Cargo project becomes an image, and the image goes where it was asked to."""

import importlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.cargo.build import Artifact, build
from ferrule.cargo.plan import output_folder
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Delivered, Destinations, Parcel, check_destinations, deliver
from ferrule.verbs.files import collect_files
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare
from ferrule.verbs.tags import fill_tags

if TYPE_CHECKING:
    from ferrule.base.entry import FileEntry
    from ferrule.image.image import Image
    from ferrule.verbs.image import Contents

AFTER_CARGO = (
    "elftools.elf.elffile",
    "ferrule.cargo.leaks",
    "ferrule.cargo.needs",
    "ferrule.verbs.image",
    "ferrule.verbs.labels",
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """An image that was built and delivered. Sizes in bytes, times in seconds."""

    prepared: Prepared
    artifact: Artifact
    image: "Image"
    base: str
    unpacked: int
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
    workspace = prepared.project.workspace
    files = collect_files(prepared.settings.files, package.folder, workspace.workspace_root)
    artifact = build(
        context.runner, context.report, prepared.plan, link=prepared.settings.link, colour=context.colour
    )
    from ferrule.verbs.image import make_image

    _warn_of_leaks(context, prepared, artifact)
    made = make_image(context, _contents(prepared, artifact, files), prepared.settings)
    parcel = Parcel(
        image=made.image,
        name=prepared.local_name,
        tags=filled,
        program=artifact.path,
        layout=output_folder(prepared.project) / "image",
    )
    delivered = deliver(context, parcel, destinations)
    return Built(
        prepared=prepared,
        artifact=artifact,
        image=made.image,
        base=made.base,
        unpacked=made.unpacked,
        tags=filled,
        delivered=delivered,
        cargo_seconds=artifact.seconds,
        own_seconds=time.monotonic() - started - artifact.seconds,
    )


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


def _warn_of_leaks(context: Context, prepared: Prepared, artifact: Artifact) -> None:
    from ferrule.cargo.leaks import find_leaks

    for leak in find_leaks(artifact.path, prepared.plan):
        context.report.warn(f"the program holds a path of this machine: {leak.path} (from {leak.crate})")
