"""A program in a sandbox that runs while we do."""

import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from ferrule.engine.sandbox_inside import SandboxInside
from ferrule.engine.sandbox_place import Place
from ferrule.engine.sandbox_record import FAILURE
from ferrule.engine.sandbox_spec import SandboxFailure
from ferrule.errors import EngineError, FerruleError, ImageError
from ferrule.process import Attached


class SandboxRun:
    """A program in its sandbox; see `Running`."""

    def __init__(self, guard: Attached, place: Place, inside: SandboxInside) -> None:
        self.inside = inside
        self._guard = guard
        self._place = place

    @property
    def network(self) -> str:
        """See `Running.network`."""
        return str(self.inside.process() or "")

    def wait(self) -> int:
        """The program's exit code. Raises `ImageError` or `EngineError` when it was never started."""
        code = self._guard.wait()
        check_start(self._place.folder)
        return code if code >= 0 else 128 - code

    def stop(self) -> None:
        """The stop signal first, SIGKILL the second time or after the time of grace."""
        self._guard.signal(signal.SIGTERM)

    def ended(self) -> bool:
        """Whether the program is gone."""
        return self._guard.ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # Under nohup one that comes while the guard itself is still starting is lost.
            self._guard.signal(signal.SIGHUP)
            while not self._guard.ended(within=1):
                self._guard.signal(signal.SIGHUP)
        finally:
            self._place.remove()


def check_start(place: Path) -> None:
    """Raise `ImageError` or `EngineError` when the program was never started."""
    try:
        failure = (place / FAILURE).read_bytes()
    except FileNotFoundError:
        return
    if failure:
        raise _error_of(SandboxFailure.from_json(failure))


def _error_of(failure: SandboxFailure) -> FerruleError:
    kind = ImageError if failure.of_image else EngineError
    return kind(failure.message, hint=failure.hint)
