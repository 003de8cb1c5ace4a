"""Where an image runs here: an engine and a `RunRequest` go in, the program's exit code comes out."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import BinaryIO, Protocol, Self

import msgspec

from ferrule.engine.inside import Inside, Strict
from ferrule.engine.mount import Mount
from ferrule.engine.variables import Variable
from ferrule.errors import UsageError
from ferrule.image.image import Image
from ferrule.oci.image_config import RunConfig
from ferrule.values import PublishedPort

STOP_GRACE_SECONDS = 10
"""What a program has between its stop signal and the end, as `docker stop` gives it."""


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An image and how to run it.

    Docker and Podman run what they have under `name`; the sandbox runs `image`. `args` replace the image's
    Cmd where there are some, `env` goes over the image's. `network` is `auto`, `bridge`, `host` or
    `none`: `auto` is the engine's own network, or the host's where the engine has none. With `strict` it is
    that of `Strict`, and no port is published. `network_of` beats both: the program shares the network of
    what has that `Running.network`. `grace` is what it has to end after its stop signal, in seconds.
    """

    name: str
    image: Image | None = None
    args: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    network: str = "auto"
    network_of: str = ""
    strict: Strict | None = None
    grace: int = STOP_GRACE_SECONDS


class Running(Protocol):
    """A started program. A context manager: at the end it is stopped for good, and nothing is left of it."""

    @property
    def inside(self) -> Inside:
        """What can be asked of it while it runs."""
        ...

    @property
    def network(self) -> str:
        """How the engine names its network to others: as `RunRequest.network_of`. Empty when it is gone."""
        ...

    def wait(self) -> int:
        """Wait for the end. The program's exit code, 128 + the signal's number when one ended it."""
        ...

    def stop(self) -> None:
        """Send the image's stop signal and return; the second time, end it at once."""
        ...

    def ended(self) -> bool:
        """Whether the program is gone."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Detached(Protocol):
    """A program that runs on without us, or the one that did: it stays known until `stop`."""

    @property
    def name(self) -> str:
        """As `--name` gave it."""
        ...

    @property
    def output(self) -> str:
        """Where a person finds what it writes: a file, or a command that shows it."""
        ...

    def ended(self) -> bool:
        """Whether the program is gone."""
        ...

    def last_lines(self, count: int) -> str:
        """The end of what it has written up to now."""
        ...

    def stop(self, seconds: int) -> int | None:
        """Send the image's stop signal, end the program after `seconds`, and remove all that is left of it.

        The program's exit code as `Running.wait` has it, None when nobody knows it any more.
        """
        ...


class Engine(Protocol):
    """Something that runs images."""

    @property
    def name(self) -> str:
        """As `--engine` names it."""
        ...

    @property
    def loader(self) -> "Loader | None":
        """What must have an image before the engine runs it; None for an engine that keeps no images."""
        ...

    def start(self, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> Running:
        """Start the program; what it writes goes to the two streams, which are real files, as it comes.

        Raises `ImageError` when the image cannot run, `EngineError` when the engine does not want to.
        """
        ...

    def detach(self, request: RunRequest, name: str) -> Detached:
        """Start the program, let it run on without us, and know it by the name from now on.

        Raises as `start` does, and `UsageError` when the name is in use.
        """
        ...

    def find(self, name: str) -> Detached | None:
        """What was started under the name. Raises `UsageError` when that was somebody else's doing."""
        ...

    def running(self) -> tuple[str, ...]:
        """The names of what `detach` started and that runs still."""
        ...


class Loader(Protocol):
    """Something that keeps images under names."""

    @property
    def drops_health(self) -> bool:
        """Whether it forgets the health check of an image of OCI's types, and has to get Docker's."""
        ...

    def has(self, name: str) -> bool:
        """Whether an image of this name or digest is there."""
        ...

    def labels(self, name: str) -> Mapping[str, str]:
        """The labels of an image that is there."""
        ...

    def config(self, name: str) -> RunConfig:
        """How a container of an image that is there starts. Raises `EngineError` when that cannot be read."""
        ...

    def load(self, archive: Path) -> tuple[str, ...]:
        """Take a docker archive; returns the names it has now. Raises `EngineError`."""
        ...


def run(engine: Engine, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> int:
    """Run to the end and return the program's exit code.

    Ctrl-C and SIGTERM send the program its stop signal, a second one ends it; its exit code counts.
    """
    with attended(engine, request, stdout=stdout, stderr=stderr) as running:
        return running.wait()


@contextmanager
def attended(engine: Engine, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> Iterator[Running]:
    """A started program that Ctrl-C and SIGTERM stop instead of us, in the main thread.

    Before it has started they raise KeyboardInterrupt, and nothing is left of it.
    """
    started: list[Running] = []

    def stop(_number: int, _frame: FrameType | None) -> None:
        if not started:
            raise KeyboardInterrupt
        started[0].stop()

    with (
        _handled_by(stop),
        engine.start(request, stdout=stdout, stderr=stderr) as running,
    ):
        started.append(running)
        yield running


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def check_host_ports(request: RunRequest) -> None:
    """Raise `UsageError` for a port that the host's network cannot give another number."""
    for port in request.ports:
        if port.host != port.container:
            raise UsageError(
                f"port {port.container} cannot be put on {port.host} in the host's network",
                hint=f"publish {port.container}:{port.container}",
            )


def name_in_use(name: str) -> UsageError:
    """The refusal of a name that a running program has."""
    return UsageError(f"the name {name} is in use", hint=f"ferrule stop {name}, or choose another --name")
