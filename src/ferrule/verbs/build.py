"""The main job: a Cargo project becomes an image, and the image goes where it was asked to."""

import threading
import time
from typing import TYPE_CHECKING

import msgspec

from ferrule.cargo.plan import output_folder
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Delivered, Destinations, Parcel, check_destinations, deliver
from ferrule.verbs.files import collect_files
from ferrule.verbs.part import BuiltPart, compile_programs, get_ready, make_part
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare
from ferrule.verbs.tags import fill_tags

if TYPE_CHECKING:
    from ferrule.image.image import Publishable


class BuiltImage(msgspec.Struct, frozen=True, kw_only=True):
    """What was built and delivered, for one platform or several."""

    prepared: Prepared
    content: "Publishable"
    parts: tuple[BuiltPart, ...]
    tags: tuple[str, ...]
    delivered: tuple[Delivered, ...]


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
    workspace = prepared.project.workspace
    files = collect_files(prepared.settings.files, package.folder, workspace.workspace_root)
    parts = tuple(
        make_part(context, prepared, plans, compile_programs(context, prepared, plans), files)
        for plans in prepared.groups
    )
    parcel = parcel_of(prepared, parts, filled)
    delivered = deliver(context, parcel, destinations)
    cargo_seconds = cargo_seconds_of(parts)
    return Built(
        prepared=prepared,
        content=parcel.content,
        parts=parts,
        tags=filled,
        delivered=delivered,
        cargo_seconds=cargo_seconds,
        own_seconds=time.monotonic() - started - cargo_seconds,
    )


def parcel_of(
    prepared: Prepared,
    parts: tuple[BuiltPart, ...],
    tags: tuple[str, ...],
    layout_tags: tuple[str, ...] | None = None,
) -> Parcel:
    """The finished image, or an index of several, under its names. In layouts it may have others."""
    from ferrule.image.image import index_images

    return Parcel(
        content=index_images(tuple(part.made.image for part in parts)),
        name=prepared.local_name,
        tags=tags,
        programs=tuple(part.artifact.path for part in parts),
        layout=output_folder(prepared.project) / "image",
        layout_tags=layout_tags or tags,
    )


def cargo_seconds_of(parts: tuple[BuiltPart, ...]) -> float:
    """What cargo took for all programs on all platforms."""
    return sum(artifact.seconds for part in parts for artifact in (part.artifact, *part.beside))
