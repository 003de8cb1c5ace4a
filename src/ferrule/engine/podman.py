"""Runs images with Podman and loads them into it. It has no daemon: its own program does everything."""

import re
import secrets
import shutil
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ferrule.engine.engine import STOP_GRACE_SECONDS, RunRequest, check_host_ports
from ferrule.errors import EngineError, FerruleError, ImageError
from ferrule.oci.reference import parse_reference
from ferrule.process import Attached, Command, Finished, ProgramMissingError, Runner, Starter, SystemRunner

LOADED = "Loaded image: "
PORT_TAKEN = re.compile(r":([0-9]+): bind: address already in use")
NOT_INSTALLED = ("podman is not installed", "install it, or choose another --engine")
OWN_FAILURE = 125  # also a code that programs may choose
NOT_YET = ("created", "initialized")
POLL_SECONDS = 0.02


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

    def __init__(self, runner: Runner | None = None, starter: Starter | None = None) -> None:
        self._runner = runner or SystemRunner()
        self._starter = starter or SystemRunner()

    @property
    def loader(self) -> "Podman":
        """Itself: it runs what it has."""
        return self

    def has(self, name: str) -> bool:
        """Whether an image of this name or digest is there."""
        finished = _podman(self._runner, "image", "exists", name)
        if finished.returncode not in (0, 1):
            raise EngineError(f"podman does not say whether it has {name}: {_said(finished)}")
        return finished.ok

    def load(self, archive: Path) -> tuple[str, ...]:
        """Load a docker archive; returns the names that podman gave it."""
        finished = _podman(self._runner, "load", "--quiet", "--input", str(archive))
        if not finished.ok:
            raise EngineError(f"podman does not take the image: {_said(finished)}")
        lines = finished.stdout.decode(errors="replace").splitlines()
        return tuple(line.removeprefix(LOADED).strip() for line in lines if line.startswith(LOADED))

    def start(self, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> "PodmanRun":
        """Create and start a container; see `Engine.start`. The image must be there."""
        # A name of our own, so that what an interrupted `podman create` has made can be removed too.
        container = f"ferrule-run-{secrets.token_hex(6)}"
        try:
            self._make(container, request)
            command = Command(argv=("podman", "start", "--attach", "--sig-proxy=false", container))
            guard = self._starter.attached(command, stdout=stdout, stderr=stderr)
        except BaseException:
            _remove(self._runner, container)
            raise
        return PodmanRun(self._runner, container, guard)

    def _make(self, container: str, request: RunRequest) -> None:
        """A container that only waits for its start, so that whatever can fail has failed by now."""
        if request.network != "auto":
            refusal = self._try(container, request, request.network)
        else:
            refusal = self._try(container, request, "")
            if refusal is not None and _may_be_network(refusal):
                _remove(self._runner, container)
                refusal = self._try(container, request, "host")
        if refusal is not None:
            raise explain(refusal, request)

    def _try(self, container: str, request: RunRequest, network: str) -> str | None:
        """None, or what podman says against it."""
        if network == "host":
            check_host_ports(request)
        for words in (_create(container, request, network), ("init", container)):
            finished = _podman(self._runner, *words)
            if not finished.ok:
                return _said(finished)
        return None


class PodmanRun:
    """A container with a `podman start --attach` that writes its output; see `Running`."""

    def __init__(self, runner: Runner, container: str, guard: Attached) -> None:
        self._runner = runner
        self._container = container
        self._guard = guard
        self._asked = 0

    def wait(self) -> int:
        """The program's exit code, when all its output has been written."""
        code = self._guard.wait()
        if code < 0:  # nobody reads its output any more, which has ended podman and not the program
            _podman(self._runner, *_stop(), self._container)
        elif code != OWN_FAILURE:
            return code
        status, _, number = self._inspect("{{.State.Status}} {{.State.ExitCode}}").partition(" ")
        if status in ("", *NOT_YET) or not number.isdecimal():
            raise EngineError("podman does not say how the program ended")
        return int(number)

    def stop(self) -> None:
        """Podman sends the image's stop signal and waits ten seconds; the second time it kills."""
        self._asked += 1
        words = ("kill",) if self._asked > 1 else _stop()
        # In a thread of its own: this may be called from a signal's handler.
        threading.Thread(target=self._end, args=words, daemon=True).start()

    def ended(self) -> bool:
        """Whether the program is gone."""
        return self._guard.ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._end("kill"):  # removed under its hands, podman would complain on the program's stderr
                self._guard.wait()
        finally:
            _remove(self._runner, self._container)
            self._guard.wait()

    def _end(self, *words: str) -> bool:
        """Ask podman to end the program as soon as it has started; False when there is nothing to end."""
        while not self.ended():
            if self._inspect("{{.State.Status}}") not in NOT_YET:
                return _podman(self._runner, *words, self._container).ok
            time.sleep(POLL_SECONDS)
        return False

    def _inspect(self, template: str) -> str:
        finished = _podman(self._runner, "container", "inspect", "--format", template, self._container)
        return finished.stdout.decode(errors="replace").strip()


def explain(said: str, request: RunRequest) -> FerruleError:
    """Podman's refusal to create or start a container, as a person would say it."""
    if "image not known" in said or "no such image" in said.lower():
        return EngineError(
            f"podman has no image {request.name}", hint="load it: ferrule build --load --engine podman"
        )
    if taken := PORT_TAKEN.search(said):
        return EngineError(
            f"port {taken[1]} of this machine is taken", hint=f"publish another one: -p OTHER:{taken[1]}"
        )
    _, found, reason = said.partition("exec: ")
    if found:
        return ImageError(
            f"exec {reason.partition(': OCI ')[0]}", hint="look at the image's entry point: ferrule inspect"
        )
    if "no command or entrypoint" in said:
        return ImageError("the image names no program to run", hint="give one behind --")
    return EngineError(f"podman does not run the image: {said}")


def _may_be_network(said: str) -> bool:
    """Whether the host's network could help: no version of podman has words of its own for it."""
    return not (PORT_TAKEN.search(said) or "exec: " in said or "entrypoint" in said or "image" in said)


def _create(container: str, request: RunRequest, network: str) -> tuple[str, ...]:
    words = ["create", "--name", container, "--pull", "never", "--log-driver", "none", "--http-proxy=false"]
    if network:
        words += ["--network", network]
    if network != "host":
        for port in request.ports:
            words += ["--publish", f"{port.host}:{port.container}"]
    for name, value in request.env:
        words += ["--env", f"{name}={value}"]
    return (*words, _full_name(request), *request.args)


def _full_name(request: RunRequest) -> str:
    """What was loaded from here is on docker.io for podman, which would look at `localhost/` first."""
    return str(parse_reference(request.name)) if request.image is not None else request.name


def _stop() -> tuple[str, ...]:
    return ("stop", "--time", str(STOP_GRACE_SECONDS))


def _remove(runner: Runner, container: str) -> None:
    _podman(runner, "rm", "--force", "--ignore", "--time", "0", "--volumes", container)


def _podman(runner: Runner, *words: str) -> Finished:
    try:
        return runner.run(Command(argv=("podman", *words)))
    except ProgramMissingError as error:
        message, hint = NOT_INSTALLED
        raise EngineError(message, hint=hint) from error


def _said(finished: Finished) -> str:
    lines = finished.stderr.decode(errors="replace").strip().splitlines() or ["it does not say why"]
    return lines[-1].removeprefix("Error: ")
