"""Runs an image here, building it first where a project was given; the exit code is the program's."""

import signal
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec.structs import replace

from ferrule.engine.choose import Choice, choose
from ferrule.engine.engine import STOP_GRACE_SECONDS, Engine, Running, RunRequest, attended
from ferrule.engine.health import wait_healthy
from ferrule.engine.mount import Mount, check_mounts
from ferrule.engine.name import name_after
from ferrule.engine.variables import Variable
from ferrule.errors import ImageError, UsageError
from ferrule.image.archive import familiar
from ferrule.image.image import Image
from ferrule.oci.platform import this_platform
from ferrule.oci.reference import Reference
from ferrule.values import PublishedPort
from ferrule.verbs.context import Context
from ferrule.verbs.database import MIGRATE_HINT, NOTHING, Needs, beside, choose_for, migrate, needs_of
from ferrule.verbs.in_engine import load_image, name_in_engine
from ferrule.verbs.open_image import open_image
from ferrule.verbs.run_config import health_labels
from ferrule.verbs.run_detached import free_name, leave_running
from ferrule.verbs.run_health import HealthUrl, health_of

if TYPE_CHECKING:
    from ferrule.verbs.prepare import ProjectRequest


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to run: `engine` as in `choose`; with `wait`, say when the health path answers.

    With `detach` the program runs on without us, under `name` or one that follows from the image's. It has
    `wait_seconds` to become healthy then. Without `database` none is started for a project that needs one.
    """

    engine: str = "auto"
    args: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    network: str = "auto"
    wait: bool = False
    wait_seconds: float = 60.0
    detach: bool = False
    name: str | None = None
    database: bool = True

    def needs_now(self, needs: Needs) -> Needs:
        """What is started: nothing where somebody gave the URL of a database of his own."""
        return (
            needs.without({name for name, value in self.env if value is not None})
            if self.database
            else NOTHING
        )


KILLED = 128 + signal.SIGKILL
KILLED_WARNING = (
    f"it was killed: so is what does not end within {STOP_GRACE_SECONDS} s of its stop signal, or takes too "
    "much memory; `ferrule verify` finds out which"
)


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended: the program's exit code, or the name under which it runs on."""

    code: int = 0
    name: str | None = None


def run_project(context: Context, request: "ProjectRequest", options: RunOptions) -> Ran:
    """Build the project and run what came out."""
    from ferrule.verbs.build import build_image
    from ferrule.verbs.deliver import Destinations

    choice = _choose(context, options)
    if options.detach or options.wait:
        from ferrule.verbs.prepare import prepare

        settings = prepare(context, request).settings
        if options.detach:
            _check_detach(options.needs_now(needs_of(settings)))
        if options.wait:
            health_of(health_labels(settings), options.ports)
    built = build_image(context, replace(request, only_here=True), (), Destinations())
    name = built.prepared.local_name.with_tag(built.tags[0])
    needs = options.needs_now(needs_of(built.prepared.settings))
    if needs.database is not None:
        choice = choose_for(options.engine, needs, context.report.warn)
    return _run_own(context, choice, built.parts[0].made.image, name, options, needs)


def run_image(context: Context, name: str, options: RunOptions) -> Ran:
    """Run an image by name: one that the engine has, a layout (`oci:DIR[:TAG]`), or one of a registry."""
    choice = _choose(context, options)
    loader = choice.engine.loader
    if loader is not None and not name.startswith("oci:") and loader.has(name):
        labels = loader.labels(name) if options.wait else {}
        return _run(context, choice, _request(RunRequest(name=name), options, labels))
    image = open_image(context, name, this_platform())
    if image.config.os != "linux":
        said = f"the image is for {str(image.config.platform)[:100]}"
        raise ImageError(said, hint="images for Linux run here")
    return _run_own(context, choice, image, name_in_engine(name), options)


def _run_own(
    context: Context,
    choice: Choice,
    image: Image,
    name: Reference,
    options: RunOptions,
    needs: Needs = NOTHING,
) -> Ran:
    """Run an image of ours: an engine that keeps images gets it first."""
    started = _request(RunRequest(name=familiar(name), image=image), options, image.config.run.labels or {})
    if choice.engine.loader is not None:
        with context.report.step(f"loading into {choice.engine.name}"):
            load_image(context, choice.engine.loader, image, name)
    return _run(context, choice, started, needs)


class _Start(msgspec.Struct, frozen=True, kw_only=True):
    request: RunRequest
    options: RunOptions
    health: HealthUrl | None


def _run(context: Context, choice: Choice, start: _Start, needs: Needs = NOTHING) -> Ran:
    request, options = start.request, start.options
    why = f" ({choice.reason})" if choice.reason else ""
    (context.report.say if why else context.report.detail)(
        f"running {request.name} with {choice.engine.name}{why}"
    )
    if options.detach:
        name = options.name or name_after(request.name)
        leave_running(context, choice.engine, request, name, start.health, options.wait_seconds)
        return Ran(name=name)
    output = (sys.stdout.buffer, sys.stderr.buffer)
    with beside(context, choice.engine, request, needs) as request:
        if needs.migrate:
            _migrate(context, choice.engine, request, needs.migrate, output)
        with attended(choice.engine, request, stdout=output[0], stderr=output[1]) as running:
            context.close()  # the engine has the image: while the program runs, the cache can be tidied
            if start.health is not None:
                watch = (context, running, start.health, options.wait_seconds)
                threading.Thread(target=_watch, args=watch, daemon=True).start()
            code = running.wait()
    if code == KILLED:
        context.report.warn(KILLED_WARNING)
    return Ran(code=code)


def _migrate(
    context: Context,
    engine: Engine,
    request: RunRequest,
    arguments: tuple[str, ...],
    output: tuple[BinaryIO, BinaryIO],
) -> None:
    migrated = migrate(engine, request, arguments, output)
    if migrated.code != 0:
        raise ImageError(str(migrated), hint=MIGRATE_HINT)
    context.report.say(str(migrated))


def _watch(context: Context, running: Running, health: HealthUrl, seconds: float) -> None:
    answer = wait_healthy(health.question, within=seconds, ended=running.ended)
    if answer.healthy:
        context.report.say(health.well(answer))
    else:
        context.report.warn(f"not healthy after {answer.seconds:.1f} s: {health}: {answer.reason}")


def _check_detach(needs: Needs) -> None:
    """A database of ours ends with us."""
    if needs.database is not None:
        raise UsageError(
            f"--detach leaves no database running, and the project needs {needs.database}",
            hint=f"give a database of yours: -e {needs.database.url_env}=…; or --no-database",
        )


def _choose(context: Context, options: RunOptions) -> Choice:
    """The engine, when nothing that was asked for speaks against a start."""
    if options.name and not options.detach:
        raise UsageError("--name goes with --detach", hint="add -d, or leave out --name")
    check_mounts(options.mounts)
    choice = choose(options.engine, context.report.warn)
    if options.name:
        free_name(choice.engine, options.name)
    return choice


def _request(request: RunRequest, options: RunOptions, labels: Mapping[str, str]) -> _Start:
    health = health_of(labels, options.ports) if options.wait else None
    ports = options.ports
    if health is not None and health.published not in ports:
        ports = (*ports, health.published)
    request = replace(
        request,
        args=options.args,
        env=options.env,
        mounts=options.mounts,
        ports=ports,
        network=options.network,
    )
    return _Start(request=request, options=options, health=health)
