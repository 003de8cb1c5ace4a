"""Containers that run on without us: what `ferrule run --detach` started with Docker."""

import io
import json
from urllib.parse import quote

import msgspec

from ferrule.engine.docker_http import DockerHttp, DockerRefusalError
from ferrule.engine.docker_output import copy_output
from ferrule.engine.docker_run import remove_container
from ferrule.errors import EngineError, UsageError

LABEL = "ferrule.detached"
"""On every container that `ferrule stop` may stop and remove: others are somebody else's."""


class _Container(msgspec.Struct, frozen=True, kw_only=True):
    ours: bool
    running: bool
    exit_code: int


class DockerDetached:
    """A container that ferrule started; see `Detached`."""

    def __init__(self, http: DockerHttp, name: str) -> None:
        self.name = name
        self.output = f"docker logs {name}"
        self._http = http
        self._path = f"/containers/{name}"

    def ended(self) -> bool:
        """Whether the program is gone."""
        found = _inspect(self._http, self.name)
        return found is None or not found.running

    def last_lines(self, count: int) -> str:
        """The end of both outputs, in the order in which Docker got them."""
        params = {"stdout": "1", "stderr": "1", "tail": str(count)}
        lines = io.BytesIO()
        try:
            with self._http.stream("GET", f"{self._path}/logs", params=params) as answer:
                copy_output(answer.iter_raw(), lines, lines)
        except DockerRefusalError:
            return ""  # the daemon keeps no logs, or sends them elsewhere
        return lines.getvalue().decode(errors="replace")

    def stop(self, seconds: int) -> int | None:
        """See `Detached.stop`."""
        try:
            with self._http.stream("POST", f"{self._path}/stop", params={"t": str(seconds)}, seconds=None):
                pass
        except DockerRefusalError as error:
            if error.status != 404:
                raise
        found = _inspect(self._http, self.name)
        remove_container(self._http, self._path)
        return None if found is None else found.exit_code


def find_container(http: DockerHttp, name: str) -> DockerDetached | None:
    """The container of that name. Raises `UsageError` when it is not one of ferrule's."""
    found = _inspect(http, name)
    if found is None:
        return None
    if not found.ours:
        raise UsageError(
            f"docker has a container {name} that ferrule did not start",
            hint="choose another name, or stop it with docker",
        )
    return DockerDetached(http, name)


def running_containers(http: DockerHttp) -> tuple[str, ...]:
    """The names of those that ferrule started and that run still."""
    filters = json.dumps({"label": [LABEL], "status": ["running"]})
    found = http.json("GET", "/containers/json", params={"filters": filters})
    try:
        return tuple(str(each["Names"][0]).removeprefix("/") for each in found)
    except (KeyError, IndexError, TypeError) as error:
        raise _odd() from error


def _inspect(http: DockerHttp, name: str) -> _Container | None:
    try:
        found = http.json("GET", f"/containers/{quote(name)}/json")
    except DockerRefusalError as error:
        if error.status == 404:
            return None
        raise
    try:
        if found["Name"] != f"/{name}":
            return None  # docker takes the beginning of an id for a name too
        return _Container(
            ours=LABEL in (found["Config"]["Labels"] or {}),
            running=bool(found["State"]["Running"]),
            exit_code=int(found["State"]["ExitCode"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _odd() from error


def _odd() -> EngineError:
    return EngineError("docker's answer about its containers cannot be read")
