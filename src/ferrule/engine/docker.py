"""Runs images with Docker and loads them into it, through its API alone: no docker program is needed."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, overload
from urllib.parse import quote

from ferrule.engine.docker_address import find_address
from ferrule.engine.docker_container import container_of, explain
from ferrule.engine.docker_detached import LABEL, DockerDetached, find_container, running_containers
from ferrule.engine.docker_http import DockerHttp, DockerRefusalError
from ferrule.engine.docker_run import DockerRun, remove_container
from ferrule.engine.engine import RunRequest, check_host_ports, name_in_use
from ferrule.engine.strict import run_config_of
from ferrule.errors import EngineError, ProjectError
from ferrule.folders import home_folder
from ferrule.oci.image_config import RunConfig

CHUNK = 1 << 20
LOADED = ("Loaded image: ", "Loaded image ID: ")


@overload
def find_docker(*, required: Literal[True] = True) -> "Docker": ...
@overload
def find_docker(*, required: bool) -> "Docker | None": ...
def find_docker(*, required: bool = True) -> "Docker | None":
    """The Docker that this user's own client would talk to. Without one `EngineError`, or None."""
    try:
        http = DockerHttp(find_address(os.environ, home_folder()))
        http.connect()
    except EngineError:
        if required:
            raise
        return None
    return Docker(http)


class Docker:
    """A Docker engine that answers."""

    name = "docker"
    drops_health = False

    def __init__(self, http: DockerHttp) -> None:
        self._http = http

    @property
    def loader(self) -> "Docker":
        """Itself: it runs what it has."""
        return self

    def has(self, name: str) -> bool:
        """Whether an image of this name or digest is there."""
        return self._inspect(name) is not None

    def labels(self, name: str) -> Mapping[str, str]:
        """The labels of an image that is there."""
        found = self._inspect(name)
        config = found.get("Config") if isinstance(found, dict) else None
        labels = config.get("Labels") if isinstance(config, dict) else None
        return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}

    def config(self, name: str) -> RunConfig:
        """See `Loader.config`."""
        found = self._inspect(name)
        return run_config_of("docker", found.get("Config") if isinstance(found, dict) else None)

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

    def start(self, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> DockerRun:
        """Create and start a container; see `Engine.start`. The image must be there."""
        container = self._create(request)
        running = DockerRun(self._http, container, request.grace, stdout=stdout, stderr=stderr)
        try:
            running.start()
        except DockerRefusalError as error:
            running.remove()
            raise explain(error, request) from error
        except BaseException:
            running.remove()
            raise
        return running

    def detach(self, request: RunRequest, name: str) -> DockerDetached:
        """Create and start a container that stays; see `Engine.detach`. The image must be there."""
        path = f"/containers/{self._create(request, name)}"
        try:
            self._http.json("POST", f"{path}/start")
        except DockerRefusalError as error:
            remove_container(self._http, path)
            raise explain(error, request) from error
        except BaseException:
            remove_container(self._http, path)
            raise
        return DockerDetached(self._http, name)

    def find(self, name: str) -> DockerDetached | None:
        """See `Engine.find`."""
        return find_container(self._http, name)

    def running(self) -> tuple[str, ...]:
        """See `Engine.running`."""
        return running_containers(self._http)

    def remove(self, container: str) -> None:
        """Remove a container, and those that share its network, running or not."""
        network = f"container:{container}"
        for each in self._http.json("GET", "/containers/json", params={"all": "1"}) or ():
            if each["HostConfig"]["NetworkMode"] == network:
                remove_container(self._http, f"/containers/{each['Id']}")
        remove_container(self._http, f"/containers/{container}")

    def _create(self, request: RunRequest, name: str = "") -> str:
        body = container_of(request, self._network(request))
        params = {}
        if name:
            params, body["Labels"] = {"name": name}, {LABEL: ""}
        try:
            created = self._http.json("POST", "/containers/create", params=params, body=body)
        except DockerRefusalError as error:
            raise (name_in_use(name) if error.status == 409 else explain(error, request)) from error
        return str(created["Id"])

    def _inspect(self, name: str) -> Any:
        try:
            return self._http.json("GET", f"/images/{quote(name, safe='/:@')}/json")
        except DockerRefusalError as error:
            if error.status == 404:
                return None
            raise

    def _network(self, request: RunRequest) -> str:
        if request.network_of:
            return f"container:{request.network_of}"
        network = request.strict.network if request.strict else request.network
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
