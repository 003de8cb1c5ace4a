"""Runs images with Podman and loads them into it. It has no daemon: its own program does everything."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from ferrule.engine.engine import RunRequest, check_host_ports, name_in_use
from ferrule.engine.podman_call import NOT_INSTALLED, podman, podman_json, remove_container, said
from ferrule.engine.podman_container import create_words, explain, may_be_network, variables_of
from ferrule.engine.podman_detached import KEEP, PodmanDetached, find_container, running_containers
from ferrule.engine.podman_health import health_words, parse_health_check
from ferrule.engine.podman_inside import PodmanInside
from ferrule.engine.podman_run import PodmanRun
from ferrule.engine.strict import run_config_of
from ferrule.errors import EngineError
from ferrule.oci.image_config import HealthCheck, RunConfig
from ferrule.process import Command, Runner, Starter, SystemRunner

LOADED = "Loaded image: "
ATTACHED = ("--log-driver", "none")


def has_podman() -> bool:
    """Whether the program is on PATH."""
    return shutil.which("podman") is not None


def find_podman() -> "Podman":
    """The Podman of this machine and this user. Raises `EngineError` without one."""
    if not has_podman():
        message, hint = NOT_INSTALLED
        raise EngineError(message, hint=hint)
    return Podman()


class Podman:
    """Podman of this machine and this user."""

    name = "podman"
    drops_health = True

    def __init__(self, runner: Runner | None = None, starter: Starter | None = None) -> None:
        self._runner = runner or SystemRunner()
        self._starter = starter or SystemRunner()

    @property
    def loader(self) -> "Podman":
        """Itself: it runs what it has."""
        return self

    def has(self, name: str) -> bool:
        """Whether an image of this name or digest is there."""
        finished = podman(self._runner, "image", "exists", name)
        if finished.returncode not in (0, 1):
            raise EngineError(f"podman does not say whether it has {name}: {said(finished)}")
        return finished.ok

    def labels(self, name: str) -> Mapping[str, str]:
        """The labels of an image that is there."""
        labels = podman_json(self._runner, "image", "inspect", "--format", "{{json .Labels}}", name)
        return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}

    def config(self, name: str) -> RunConfig:
        """See `Loader.config`. Podman keeps the health check apart."""
        found = podman_json(self._runner, "image", "inspect", name)
        try:
            config = {**found[0]["Config"], "Healthcheck": found[0].get("HealthCheck")}
        except (KeyError, IndexError, TypeError):
            config = None
        return run_config_of("podman", config)

    def load(self, archive: Path) -> tuple[str, ...]:
        """Load a docker archive; returns the names that podman gave it."""
        finished = podman(self._runner, "load", "--quiet", "--input", str(archive))
        if not finished.ok:
            raise EngineError(f"podman does not take the image: {said(finished)}")
        lines = finished.stdout.decode(errors="replace").splitlines()
        return tuple(line.removeprefix(LOADED).strip() for line in lines if line.startswith(LOADED))

    def start(self, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> PodmanRun:
        """Create and start a container; see `Engine.start`. The image must be there."""
        container = _own_name()
        # The process beside the container leaves a file where it was started: see `PodmanInside`.
        folder = Path(tempfile.mkdtemp(prefix="ferrule-"))
        try:
            self._make(container, request, ATTACHED, folder)
            command = Command(argv=("podman", "start", "--attach", "--sig-proxy=false", container))
            guard = self._starter.attached(command, stdout=stdout, stderr=stderr)
        except BaseException:
            remove_container(self._runner, container)
            shutil.rmtree(folder)
            raise
        inside = PodmanInside(runner=self._runner, starter=self._starter, container=container, folder=folder)
        return PodmanRun(self._runner, container, guard, inside, request.grace)

    def detach(self, request: RunRequest, name: str) -> PodmanDetached:
        """Create and start a container that stays; see `Engine.detach`. The image must be there."""
        # It gets its name when it is made: what is removed after a failure can be nobody else's.
        container = _own_name()
        try:
            self._make(container, request, KEEP)
            self._rename(container, name)
            container = name
            self._start(container, request)
        except BaseException:
            remove_container(self._runner, container)
            raise
        return PodmanDetached(self._runner, name)

    def find(self, name: str) -> PodmanDetached | None:
        """See `Engine.find`."""
        return find_container(self._runner, name)

    def running(self) -> tuple[str, ...]:
        """See `Engine.running`."""
        return running_containers(self._runner)

    def _health(self, request: RunRequest) -> HealthCheck | None:
        if request.image is not None:
            return request.image.config.run.healthcheck
        found = podman_json(
            self._runner, "image", "inspect", "--format", "{{json .HealthCheck}}", request.name
        )
        return parse_health_check(found)

    def _rename(self, container: str, name: str) -> None:
        if not podman(self._runner, "rename", container, name).ok:
            raise name_in_use(name)

    def _start(self, container: str, request: RunRequest) -> None:
        finished = podman(self._runner, "start", container)
        if not finished.ok:
            raise explain(said(finished), request)

    def _make(
        self, container: str, request: RunRequest, keep: tuple[str, ...], folder: Path | None = None
    ) -> None:
        """A container that only waits for its start, so that whatever can fail has failed by now."""
        if request.network_of:
            refusal = self._try(container, request, f"container:{request.network_of}", keep, folder)
        elif request.strict:
            refusal = self._try(container, request, request.strict.network, keep, folder)
        elif request.network != "auto":
            refusal = self._try(container, request, request.network, keep, folder)
        else:
            refusal = self._try(container, request, "", keep, folder)
            if refusal is not None and may_be_network(refusal):
                remove_container(self._runner, container)
                refusal = self._try(container, request, "host", keep, folder)
        if refusal is not None:
            raise explain(refusal, request)

    def _try(
        self,
        container: str,
        request: RunRequest,
        network: str,
        keep: tuple[str, ...],
        folder: Path | None,
    ) -> str | None:
        """None, or what podman says against it."""
        if network == "host":
            check_host_ports(request)
        health, variables = health_words(self._health(request)), variables_of(request)
        words = create_words(container, request, network, (*health, *variables.words), keep)
        finished = podman(self._runner, *words, env=variables.env, stdin=variables.stdin)
        if finished.ok:
            finished = podman(self._runner, "init", container, cwd=folder)
        return None if finished.ok else said(finished)


def _own_name() -> str:
    # Known beforehand, so that what an interrupted `podman create` has made can be removed too.
    return f"ferrule-run-{os.urandom(6).hex()}"
