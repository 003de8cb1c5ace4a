"""A container that runs while we do: its output on our streams, its end with ours."""

import threading
from types import TracebackType
from typing import BinaryIO, Self

from ferrule.engine.docker_http import DockerHttp, DockerRefusalError
from ferrule.engine.docker_inside import DockerInside
from ferrule.engine.docker_output import copy_output
from ferrule.errors import EngineError, FerruleError


class DockerRun:
    """A container; see `Running`."""

    def __init__(
        self, http: DockerHttp, container: str, grace: int, *, stdout: BinaryIO, stderr: BinaryIO
    ) -> None:
        self._http = http
        self._path = f"/containers/{container}"
        self._grace = grace
        self.network = container
        self.inside = DockerInside(http=http, path=self._path)
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
        """Docker sends the image's stop signal and waits for the time of grace; the second time it kills."""
        self._asked += 1
        # In a thread of its own: this may be called from a signal's handler, in the middle of a request.
        threading.Thread(target=self._stop, args=(self._asked > 1,), daemon=True).start()

    def ended(self) -> bool:
        """Whether the program is gone."""
        return not self._reader.is_alive()

    def remove(self) -> None:
        """Remove the container, running or not, with its volumes."""
        remove_container(self._http, self._path)

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
                params = {"t": str(self._grace)}
                with self._http.stream("POST", f"{self._path}/stop", params=params, seconds=None):
                    pass
        except EngineError:
            pass  # it has ended by itself, or docker has: whoever waits learns which


def remove_container(http: DockerHttp, path: str) -> None:
    """Remove a container by its path in the API, running or not, with its volumes."""
    try:
        http.json("DELETE", path, params={"force": "1", "v": "1"})
    except DockerRefusalError as error:
        if error.status not in (404, 409):  # gone, or about to be
            raise
