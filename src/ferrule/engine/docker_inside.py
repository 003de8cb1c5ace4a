"""A container, seen from beside it, through Docker's API: section Exec, and what `docker diff` shows."""

import io
import time
from contextlib import suppress
from typing import Any

import msgspec

from ferrule.engine.docker_http import DockerHttp, DockerRefusalError, DockerSilentError
from ferrule.engine.docker_output import copy_output
from ferrule.engine.inside import EXECUTION_FAILED, Executed
from ferrule.engine.processes import is_first
from ferrule.engine.sandbox_inside import leaves
from ferrule.errors import EngineError

END_SECONDS = 2.0
"""How long the exit code of a command may come after its output."""


class DockerInside(msgspec.Struct, frozen=True, kw_only=True):
    """See `Inside`. A command that takes too long runs on until the container ends: Docker ends none."""

    http: DockerHttp
    path: str

    def process(self) -> int | None:
        """The number that the daemon says, where it is one of this machine."""
        process = self._state("Pid")
        return process if isinstance(process, int) and process > 0 and is_first(process) else None

    def execute(self, argv: tuple[str, ...], seconds: float) -> Executed:
        """See `Inside.execute`."""
        body = {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True}
        output, deadline = io.BytesIO(), time.monotonic() + seconds
        try:
            made = self.http.json("POST", f"{self.path}/exec", body=body)
            place = f"/exec/{made['Id']}"
            self._attend(place, output, seconds)
        except DockerRefusalError as error:
            return Executed(code=EXECUTION_FAILED, output=error.said)
        code = self._code(place, deadline)
        return Executed(code=code, output=output.getvalue().decode(errors="replace"))

    def written(self) -> tuple[str, ...]:
        """See `Inside.written`."""
        found = self.http.json("GET", f"{self.path}/changes") or ()
        try:
            return leaves({str(each["Path"]) for each in found})
        except (KeyError, TypeError) as error:
            raise EngineError("docker's answer about a container's files cannot be read") from error

    def out_of_memory(self) -> bool:
        """What the daemon heard from the kernel."""
        return self._state("OOMKilled") is True

    def _attend(self, place: str, output: io.BytesIO, seconds: float) -> None:
        """Read what it writes until its end, or until it has been silent for so long."""
        content = b'{"Detach": false, "Tty": false}'
        with (
            suppress(DockerSilentError),
            self.http.stream("POST", f"{place}/start", content=content, seconds=seconds) as answer,
        ):
            copy_output(answer.iter_raw(), output, output)

    def _code(self, place: str, deadline: float) -> int | None:
        deadline = max(deadline, time.monotonic() + END_SECONDS)
        while time.monotonic() < deadline:
            found = self.http.json("GET", f"{place}/json")
            if not found["Running"] and found["ExitCode"] is not None:
                return int(found["ExitCode"])
            time.sleep(0.02)
        return None

    def _state(self, name: str) -> Any:
        try:
            return self.http.json("GET", f"{self.path}/json")["State"][name]
        except (DockerRefusalError, KeyError, TypeError):
            return None
