"""Runs images with Docker and loads them into it, through its API alone: no docker program is needed."""

import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, overload
from urllib.parse import quote

from ferrule.engine.docker_address import find_address
from ferrule.engine.docker_http import DockerHttp, DockerRefusalError
from ferrule.engine.docker_output import copy_output
from ferrule.engine.engine import STOP_GRACE_SECONDS, RunRequest, check_host_ports
from ferrule.errors import EngineError, FerruleError, ImageError, ProjectError

CHUNK = 1 << 20
PORT_TAKEN = re.compile(r":([0-9]+)(?::| failed:).*already (?:allocated|in use)")
LOADED = ("Loaded image: ", "Loaded image ID: ")


@overload
def find_docker(*, required: Literal[True] = True) -> "Docker": ...
@overload
def find_docker(*, required: bool) -> "Docker | None": ...
def find_docker(*, required: bool = True) -> "Docker | None":
    """The Docker that this user's own client would talk to. Without one `EngineError`, or None."""
    try:
        http = DockerHttp(find_address(os.environ, Path.home()))
        http.connect()
    except EngineError:
        if required:
            raise
        return None
    return Docker(http)


class Docker:
    """A Docker engine that answers."""

    name = "docker"

    def __init__(self, http: DockerHttp) -> None:
        self._http = http

    @property
    def loader(self) -> "Docker":
        """Itself: it runs what it has."""
        return self

    def has(self, name: str) -> bool:
        """Whether an image of this name or digest is there."""
        try:
            self._http.json("GET", f"/images/{quote(name, safe='/:@')}/json")
        except DockerRefusalError as error:
            if error.status == 404:
                return False
            raise
        return True

    def load(self, archive: Path) -> tuple[str, ...]:
        """Load a docker archive, piece by piece; returns the names that docker gave it."""
        params = {"quiet": "1"}
        loaded: list[str] = []
        with self._http.stream(
            "POST",
            "/images/load",
            params=params,
            content=_chunks(archive),
            kind="application/x-tar",
            seconds=None,
        ) as answer:
            for line in answer.iter_lines():
                loaded += _loaded(line)
        return tuple(loaded)

    def start(self, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> "DockerRun":
        """Create and start a container; see `Engine.start`. The image must be there."""
        body = _container(request, self._network(request))
        try:
            created = self._http.json("POST", "/containers/create", body=body)
        except DockerRefusalError as error:
            raise explain(error, request) from error
        running = DockerRun(self._http, str(created["Id"]), stdout=stdout, stderr=stderr)
        try:
            running.start()
        except DockerRefusalError as error:
            running.remove()
            raise explain(error, request) from error
        except BaseException:
            running.remove()
            raise
        return running

    def _network(self, request: RunRequest) -> str:
        network = request.network
        if network == "auto":
            network = "bridge" if self._has_bridge() else "host"
        if network == "host":
            check_host_ports(request)
        return network

    def _has_bridge(self) -> bool:
        try:
            self._http.json("GET", "/networks/bridge")
        except DockerRefusalError:
            return False
        return True


class DockerRun:
    """A container; see `Running`."""

    def __init__(self, http: DockerHttp, container: str, *, stdout: BinaryIO, stderr: BinaryIO) -> None:
        self._http = http
        self._path = f"/containers/{container}"
        self._streams = (stdout, stderr)
        self._attached = threading.Event()
        self._failure: FerruleError | None = None
        self._asked = 0
        self._reader = threading.Thread(target=self._read, name="docker output", daemon=True)

    def start(self) -> None:
        """Listen first, then start, so that nothing is missed."""
        self._reader.start()
        self._attached.wait()
        if self._failure is not None:
            raise self._failure
        self._http.json("POST", f"{self._path}/start")

    def wait(self) -> int:
        """The program's exit code, when all its output has been written."""
        self._reader.join()
        if self._failure is not None:
            raise self._failure
        with self._http.stream("POST", f"{self._path}/wait", seconds=None) as answer:
            answer.read()
            try:
                return int(answer.json()["StatusCode"])
            except (ValueError, KeyError, TypeError) as error:
                raise EngineError("docker does not say how the program ended") from error

    def stop(self) -> None:
        """Docker sends the image's stop signal and waits ten seconds; the second time it kills."""
        self._asked += 1
        # In a thread of its own: this may be called from a signal's handler, in the middle of a request.
        threading.Thread(target=self._stop, args=(self._asked > 1,), daemon=True).start()

    def ended(self) -> bool:
        """Whether the program is gone."""
        return not self._reader.is_alive()

    def remove(self) -> None:
        """Remove the container, running or not, with its volumes."""
        try:
            self._http.json("DELETE", self._path, params={"force": "1", "v": "1"})
        except DockerRefusalError as error:
            if error.status not in (404, 409):  # gone, or about to be
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()
        self._reader.join()

    def _read(self) -> None:
        params = {"stream": "1", "stdout": "1", "stderr": "1"}
        try:
            with self._http.stream("POST", f"{self._path}/attach", params=params, seconds=None) as answer:
                self._attached.set()
                chunks = answer.iter_raw()
                if not copy_output(chunks, *self._streams):
                    self.stop()  # nobody reads us any more
                    for _ in chunks:
                        pass
        except FerruleError as error:
            self._failure = error
        finally:
            self._attached.set()

    def _stop(self, now: bool) -> None:  # noqa: FBT001 - a thread's argument
        try:
            if now:
                self._http.json("POST", f"{self._path}/kill")
            else:
                params = {"t": str(STOP_GRACE_SECONDS)}
                self._http.json("POST", f"{self._path}/stop", params=params)
        except EngineError:
            pass  # it has ended by itself, or docker has: whoever waits learns which


def _container(request: RunRequest, network: str) -> dict[str, object]:
    ports = {f"{port.container}/tcp": [{"HostPort": str(port.host)}] for port in request.ports}
    body: dict[str, object] = {
        "Image": request.name,
        "Env": [f"{name}={value}" for name, value in request.env],
        "AttachStdout": True,
        "AttachStderr": True,
        "ExposedPorts": {port: {} for port in ports},
        "HostConfig": {"NetworkMode": network, "PortBindings": ports if network != "host" else {}},
    }
    if request.args:
        body["Cmd"] = list(request.args)
    return body


def explain(error: DockerRefusalError, request: RunRequest) -> FerruleError:
    """Docker's refusal to create or start a container, as a person would say it."""
    if error.status == 404 and "no such image" in error.said.lower():
        return EngineError(f"docker has no image {request.name}", hint="load it: ferrule build --load")
    if taken := PORT_TAKEN.search(error.said):
        return EngineError(
            f"port {taken[1]} of this machine is taken", hint=f"publish another one: -p OTHER:{taken[1]}"
        )
    _, found, reason = error.said.partition("exec: ")
    if found:
        reason = reason.removesuffix(": unknown").removesuffix(".")
        return ImageError(f"exec {reason}", hint="look at the image's entry point: ferrule inspect")
    if "no command specified" in error.said.lower():
        return ImageError("the image names no program to run", hint="give one behind --")
    return error


def _chunks(archive: Path) -> Iterator[bytes]:
    try:
        with archive.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise ProjectError(f"cannot read {archive}: {error.strerror}") from error


def _loaded(line: str) -> tuple[str, ...]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(said, dict):
        return ()
    if "error" in said:
        raise EngineError(f"docker does not take the image: {' '.join(str(said['error']).split())}")
    text = str(said.get("stream", "")).strip()
    return tuple(text.removeprefix(prefix) for prefix in LOADED if text.startswith(prefix))
