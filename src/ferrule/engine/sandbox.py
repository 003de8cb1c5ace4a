"""Runs an image with nothing but Linux namespaces: an image goes in, a program in its own root comes out.

Its network is the host's, but for a program that is tried out. Nobody gets capabilities, root neither, but
for what a file of the image may give: see `sandbox_prepare`. Any other user of this machine can run it too,
where user namespaces are allowed.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ferrule.engine.engine import RunRequest, name_in_use
from ferrule.engine.execution import launcher
from ferrule.engine.name import parse_name
from ferrule.engine.sandbox_detached import SandboxDetached
from ferrule.engine.sandbox_inside import SandboxInside, look_at
from ferrule.engine.sandbox_place import Place, is_held, make_place, remove_abandoned
from ferrule.engine.sandbox_prepare import prepare
from ferrule.engine.sandbox_record import CODES, LOG
from ferrule.engine.sandbox_run import SandboxRun, check_start
from ferrule.errors import EngineError
from ferrule.folders import state_folder, temporary_folder
from ferrule.image.image import Image
from ferrule.process import Command, Starter, SystemRunner

PREFIX = "ferrule-run-"

CHILD = "sandbox_child"


class Sandbox:
    """The engine that needs no engine."""

    name = "sandbox"
    loader = None

    def __init__(
        self,
        starter: Starter | None = None,
        *,
        warn: Callable[[str], None] = lambda _: None,
        folder: Path | None = None,
        state: Path | None = None,
    ) -> None:
        """`warn` hears what a program does not get here. `folder` is where roots are unpacked, by default the
        folder for temporary files.

        `state` is where programs are that run on without us, by default in the user's folder for state.
        """
        self._starter = starter or SystemRunner()
        self._warn = warn
        self._folder = folder
        self._known_state = state

    def start(self, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> SandboxRun:
        """Unpack the image and start its program; see `Engine.start`."""
        image = _image_of(request)
        folder = self._folder or temporary_folder()
        remove_abandoned(folder, PREFIX)
        place = make_place(folder, PREFIX + os.urandom(6).hex(), hint="set TMPDIR to another folder")
        try:
            command = Command(argv=(*launcher(CHILD), str(place.folder)))
            waiting = self._starter.ahead(command, stdout=stdout, stderr=stderr)
            try:
                spec = prepare(image, request, place.folder, parent=os.getpid(), warn=self._warn)
                before = look_at(place.folder) if request.strict and request.strict.writable else None
                if spec.watched:
                    os.mkfifo(place.folder / CODES)
            except BaseException:
                waiting.drop()
                raise
            guard = waiting.tell(spec.to_json())
            return SandboxRun(guard, place, SandboxInside(spec=spec, guard=guard, before=before))
        except BaseException:
            place.remove()
            raise

    def detach(self, request: RunRequest, name: str) -> SandboxDetached:
        """Unpack the image, start its program, and leave it with its guard; see `Engine.detach`."""
        image = _image_of(request)
        remove_abandoned(self._state)
        try:
            place = make_place(self._state, parse_name(name), hint="set XDG_STATE_HOME to another folder")
        except FileExistsError as error:
            raise name_in_use(name) from error
        try:
            self._leave(image, request, place)
        except BaseException:
            place.remove()
            raise
        place.let_go()
        return SandboxDetached(place.folder)

    def find(self, name: str) -> SandboxDetached | None:
        """See `Engine.find`."""
        remove_abandoned(self._state)
        place = self._state / parse_name(name)
        return SandboxDetached(place) if place.is_dir() else None

    def running(self) -> tuple[str, ...]:
        """See `Engine.running`."""
        try:
            return tuple(sorted(place.name for place in self._state.iterdir() if is_held(place)))
        except FileNotFoundError:
            return ()

    @property
    def _state(self) -> Path:
        return self._known_state or state_folder() / "run"

    def _leave(self, image: Image, request: RunRequest, place: Place) -> None:
        spec = prepare(image, request, place.folder, parent=0, warn=self._warn)
        command = Command(argv=(*launcher(CHILD), spec.place), stdin=spec.to_json())
        # Appended to, as the program may open it again.
        with (place.folder / LOG).open("ab") as log:
            starting = self._starter.attached(command, stdout=log, stderr=log)
        try:
            starting.wait()
        except BaseException:
            starting.signal(signal.SIGHUP)
            starting.wait()
            raise
        check_start(place.folder)


def _image_of(request: RunRequest) -> Image:
    if sys.platform != "linux":
        raise EngineError("the sandbox needs Linux", hint="use --engine docker")
    if request.image is None:
        raise EngineError(f"the sandbox has no image {request.name}", hint="it keeps none: build or pull it")
    return request.image
