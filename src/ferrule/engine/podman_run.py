"""A container that runs while we do, and a `podman start --attach` that writes its output."""

import shutil
import threading
import time
from types import TracebackType
from typing import Self

from ferrule.engine.podman_call import podman, remove_container
from ferrule.engine.podman_inside import PodmanInside
from ferrule.errors import EngineError
from ferrule.process import Attached, Runner

OWN_FAILURE = 125  # also a code that programs may choose
NOT_YET = ("created", "initialized")
POLL_SECONDS = 0.02


class PodmanRun:
    """A container with a `podman start --attach` that writes its output; see `Running`."""

    def __init__(
        self, runner: Runner, container: str, guard: Attached, inside: PodmanInside, grace: int
    ) -> None:
        self.inside = inside
        self.network = container
        self._stop = ("stop", "--time", str(grace))
        self._runner = runner
        self._container = container
        self._guard = guard
        self._asked = 0

    def wait(self) -> int:
        """The program's exit code, when all its output has been written."""
        code = self._guard.wait()
        if code < 0:  # nobody reads its output any more, which has ended podman and not the program
            podman(self._runner, *self._stop, self._container)
        elif code != OWN_FAILURE:
            return code
        status, _, number = self._inspect("{{.State.Status}} {{.State.ExitCode}}").partition(" ")
        if status in ("", *NOT_YET) or not number.isdecimal():
            raise EngineError("podman does not say how the program ended")
        return int(number)

    def stop(self) -> None:
        """Podman sends the image's stop signal and waits for the time of grace; the second time it kills."""
        self._asked += 1
        words = ("kill",) if self._asked > 1 else self._stop
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
            remove_container(self._runner, self._container)
            self._guard.wait()
            shutil.rmtree(self.inside.folder, ignore_errors=True)

    def _end(self, *words: str) -> bool:
        """Ask podman to end the program as soon as it has started; False when there is nothing to end."""
        while not self.ended():
            if self._inspect("{{.State.Status}}") not in NOT_YET:
                return podman(self._runner, *words, self._container).ok
            time.sleep(POLL_SECONDS)
        return False

    def _inspect(self, template: str) -> str:
        finished = podman(self._runner, "container", "inspect", "--format", template, self._container)
        return finished.stdout.decode(errors="replace").strip()
