"""Runs an image here, building it first where a project was given; the exit code is the program's."""

import sys
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from ferrule.engine.choose import choose
from ferrule.engine.engine import Engine, Running, RunRequest, attended
from ferrule.engine.health import wait_healthy
from ferrule.errors import InvalidValueError, UsageError
from ferrule.image.archive import familiar, write_archive
from ferrule.image.image import Image
from ferrule.oci.platform import this_platform
from ferrule.oci.reference import Reference, parse_reference
from ferrule.values import PublishedPort
from ferrule.verbs.bases import open_image
from ferrule.verbs.build import build_image
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.prepare import ProjectRequest
from ferrule.verbs.run_config import HEALTH_PATH, HEALTH_PORT

WAIT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How to run: `engine` as in `choose`; with `wait`, say when the health path answers."""

    engine: str = "auto"
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    network: str = "auto"
    wait: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Health:
    path: str
    port: int


def run_project(context: Context, request: ProjectRequest, options: RunOptions) -> int:
    """Build the project and run what came out."""
    engine = choose(options.engine).engine
    built = build_image(context, request, (), Destinations())
    name = built.prepared.local_name.with_tag(built.tags[0])
    return _run(context, engine, built.image, name, options)


def run_image(context: Context, name: str, options: RunOptions) -> int:
    """Run an image by name: one that the engine has, a layout (`oci:DIR[:TAG]`), or one of a registry."""
    engine = choose(options.engine).engine
    if engine.loader is not None and not name.startswith("oci:") and engine.loader.has(name):
        if options.wait:
            raise UsageError(
                "--wait needs an image that ferrule reads itself", hint="use --engine sandbox, or oci:DIR"
            )
        return _attached(context, engine, RunRequest(name=name), options, None)
    image = open_image(context, name, this_platform())
    return _run(context, engine, image, _name_for(name), options)


def _run(context: Context, engine: Engine, image: Image, name: Reference, options: RunOptions) -> int:
    health = _health_of(image) if options.wait else None
    if options.wait and health is None:
        raise UsageError("--wait needs a health path", hint='set health = { path = "/health" } and a port')
    if engine.loader is not None:
        with (
            tempfile.TemporaryDirectory(prefix="ferrule-") as folder,
            context.report.step(f"loading into {engine.name}"),
        ):
            archive = Path(folder) / "image.tar"
            write_archive(image, (name,), archive)
            engine.loader.load(archive)
    return _attached(context, engine, RunRequest(name=familiar(name), image=image), options, health)


def _attached(
    context: Context, engine: Engine, request: RunRequest, options: RunOptions, health: _Health | None
) -> int:
    ports = options.ports
    if health is not None and not any(port.container == health.port for port in ports):
        ports = (*ports, PublishedPort(host=health.port, container=health.port))
    request = replace(request, args=options.args, env=options.env, ports=ports, network=options.network)
    context.report.detail(f"running {request.name} with {engine.name}")
    with attended(engine, request, stdout=sys.stdout.buffer, stderr=sys.stderr.buffer) as running:
        if health is not None:
            host = next(port.host for port in ports if port.container == health.port)
            watcher = threading.Thread(target=_watch, args=(context, running, health, host), daemon=True)
            watcher.start()
        return running.wait()


def _watch(context: Context, running: Running, health: _Health, port: int) -> None:
    answer = wait_healthy(port, health.path, within=WAIT_SECONDS, ended=running.ended)
    url = f"http://127.0.0.1:{port}{health.path}"
    if answer.healthy:
        context.report.say(f"healthy after {answer.seconds:.2f} s: {url} answers {answer.status}")
    else:
        context.report.warn(f"not healthy after {answer.seconds:.1f} s: {url}: {answer.reason}")


def _health_of(image: Image) -> _Health | None:
    """The health path and its port, from the labels that ferrule writes."""
    labels = image.config.run.labels or {}
    path, port = labels.get(HEALTH_PATH), labels.get(HEALTH_PORT, "")
    return _Health(path=path, port=int(port)) if path and port.isdigit() else None


def _name_for(name: str) -> Reference:
    """The name under which an engine gets an image: its own, or `ferrule-run` for a layout."""
    if name.startswith("oci:"):
        return parse_reference("ferrule-run:latest")
    try:
        reference = parse_reference(name)
    except InvalidValueError as error:
        raise UsageError(error.message, hint=error.hint) from error
    return reference.with_tag(reference.tag or "latest")
