"""Every binary of a workspace becomes an image of its own, in one run."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial

import msgspec

from ferrule.base.entry import FileEntry
from ferrule.cargo.asked import Asked
from ferrule.errors import FerruleError, UsageError
from ferrule.report import Later
from ferrule.verbs.beside import Beside
from ferrule.verbs.build import (
    BuiltImage,
    BuiltPart,
    cargo_seconds_of,
    compile_part,
    files_of,
    get_ready,
    make_part,
    parcel_of,
    warn_of_paths,
)
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import (
    Delivered,
    Destinations,
    Parcel,
    Passed,
    check_destinations,
    deliver,
    deliver_here,
)
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare_all
from ferrule.verbs.tags import fill_tags

Parts = tuple[BuiltPart, ...]


class BuiltAll(msgspec.Struct, frozen=True, kw_only=True):
    """An image for each program, by the programs' names. Times in seconds."""

    images: tuple[BuiltImage, ...]
    cargo_seconds: float
    own_seconds: float


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A program of the workspace, and the names and places of its image."""

    prepared: Prepared
    tags: tuple[str, ...]
    layout_tags: tuple[str, ...]
    destinations: Destinations

    @property
    def name(self) -> str:
        """The binary's name."""
        return self.prepared.selection.binary


def build_images(
    context: Context, request: ProjectRequest, tags: tuple[str, ...], destinations: Destinations
) -> BuiltAll:
    """Run cargo for all, make all images, and only then deliver the first.

    What fails before leaves no image anywhere. An error names the program that it is about.
    """
    started = time.monotonic()
    threading.Thread(target=get_ready, args=(destinations,)).start()
    context = context.using(runner=Asked(context.runner))
    jobs = jobs_of(context, request, tags, destinations)
    check_jobs(jobs)
    parts = _build(context, jobs)
    for job, own in zip(jobs, parts, strict=True):
        warn_of_paths(context, job.prepared, own)
    images = _deliver(context, jobs, parts)
    cargo_seconds = sum(cargo_seconds_of(image.parts) for image in images)
    return BuiltAll(
        images=images,
        cargo_seconds=cargo_seconds,
        own_seconds=time.monotonic() - started - cargo_seconds,
    )


def jobs_of(
    context: Context, request: ProjectRequest, tags: tuple[str, ...], destinations: Destinations
) -> tuple[Job, ...]:
    """One for each program. In layouts an image is called after its program: others lie beside it."""
    jobs = []
    for prepared in prepare_all(context, request):
        package, binary = prepared.selection.package, prepared.selection.binary
        folder = prepared.project.folder
        filled = fill_tags(context.runner, tags, version=package.version, folder=folder)
        jobs.append(
            Job(
                prepared=prepared,
                tags=filled,
                layout_tags=tuple(f"{binary}-{tag}" for tag in filled) if tags else (binary,),
                destinations=destinations.for_binary(binary),
            )
        )
    return tuple(jobs)


def check_jobs(jobs: tuple[Job, ...]) -> None:
    """Refuse before the build what could not be delivered, and what would take another's place."""
    names: dict[str, str] = {}
    places: dict[str, str] = {}
    for job in jobs:
        with _about(job.name):
            check_destinations(job.destinations, job.prepared.repository)
            if job.destinations.is_gated(job.prepared.settings):
                from ferrule.verbs.gate import check_gate

                check_gate(job.prepared.settings, job.destinations)
        name = job.prepared.local_name.name
        other = names.setdefault(name, job.name)
        if other != job.name and (job.destinations.push or job.destinations.load):
            raise UsageError(
                f"the images of {other} and {job.name} would both be {name}",
                hint="write {bin} into image, like ghcr.io/acme/{bin}, or give each binary its own",
            )
        for output in job.destinations.outputs:
            place = f"{output}:{job.name}" if output.kind == "oci" and not output.tag else str(output)
            other = places.setdefault(place, job.name)
            if other != job.name:
                raise UsageError(
                    f"the images of {other} and {job.name} would both be written to {place}",
                    hint=f"write {{bin}} into it, like {output.kind}:out/{{bin}}",
                )


def _build(context: Context, jobs: tuple[Job, ...]) -> tuple[Parts, ...]:
    """All programs, one after the other; the image of one is made while cargo is at work on the next."""
    files = [_files(job) for job in jobs]
    beside = Beside()
    making: list[list[_Making]] = []
    for job, own in zip(jobs, files, strict=True):
        making.append([])
        for plans in job.prepared.groups:
            with _about(job.name):
                compiled = compile_part(context, job.prepared, plans)
            later = Later(context.report)
            world = context.using(report=later)
            part = beside.submit(partial(make_part, world, job.prepared, compiled, own))
            making[-1].append(_Making(job, part, later))
        for each in making:
            for one in each:
                one.tell_if_done()
    with context.report.step("making the images"):
        return tuple(tuple(one.result() for one in each) for each in making)


def _files(job: Job) -> tuple[FileEntry, ...]:
    with _about(job.name):
        return files_of(job.prepared)


class _Making:
    """An image that is being made, and what there is to say about it."""

    def __init__(self, job: Job, part: "Future[BuiltPart]", later: Later) -> None:
        self._job = job
        self._part = part
        self._later = later

    def tell_if_done(self) -> None:
        """Pass on what was said. Raises what went wrong: nothing more is built for it."""
        if self._part.done():
            self.result()

    def result(self) -> BuiltPart:
        """Wait for the image."""
        with _about(self._job.name):
            try:
                return self._part.result()
            finally:
                self._later.tell(self._job.name)


def _deliver(context: Context, jobs: tuple[Job, ...], parts: tuple[Parts, ...]) -> tuple[BuiltImage, ...]:
    """In order. What comes behind a failure is not delivered; what came before it is said."""
    parcels = tuple(
        parcel_of(job.prepared, own, job.tags, job.layout_tags) for job, own in zip(jobs, parts, strict=True)
    )
    passed = _verify(context, jobs, parcels)
    done: list[tuple[Delivered, ...]] = []
    if jobs[0].destinations.is_empty:
        done = [(delivered,) for delivered in deliver_here(parcels)]
    for job, parcel in zip(jobs[len(done) :], parcels[len(done) :], strict=True):
        try:
            with _about(job.name):
                done.append(deliver(context, parcel, job.destinations))
        except FerruleError:
            names = ", ".join(before.name for before in jobs[: len(done)])
            context.report.say(f"delivered before that: {names or 'none'}")
            raise
    return tuple(
        BuiltImage(
            prepared=job.prepared,
            content=parcel.content,
            parts=own,
            tags=job.tags,
            delivered=delivered,
            passed=found,
        )
        for job, parcel, own, delivered, found in zip(jobs, parcels, parts, done, passed, strict=True)
    )


def _verify(
    context: Context, jobs: tuple[Job, ...], parcels: tuple[Parcel, ...]
) -> tuple[Passed | None, ...]:
    """Each image passes the gate, where there is one, before the first is delivered."""
    passed: list[Passed | None] = []
    for job, parcel in zip(jobs, parcels, strict=True):
        prepared = job.prepared
        if not job.destinations.is_gated(prepared.settings):
            passed.append(None)
        else:
            from ferrule.verbs.gate import pass_gate

            with _about(job.name):
                version = prepared.selection.package.version
                passed.append(pass_gate(context, prepared.settings, parcel, version, job.destinations))
    return tuple(passed)


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Have errors name the program."""
    try:
        yield
    except FerruleError as error:
        if name not in error.message.split():
            error.message = f"{name}: {error.message}"
        raise
