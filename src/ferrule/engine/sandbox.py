"""Runs an image with nothing but Linux namespaces: an image goes in, a program in its own root comes out.

Its network is the host's. A root user gets no capabilities; any other user of this machine can run it too,
where user namespaces are allowed.
"""

import platform
import signal
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import ferrule
from ferrule.engine.account import Account, find_account
from ferrule.engine.engine import STOP_GRACE_SECONDS, RunRequest
from ferrule.engine.rootfs import RootFolder, has_all_users, remove_tree
from ferrule.engine.sandbox_mounts import MOUNT_POINTS
from ferrule.engine.sandbox_spec import SandboxFailure, SandboxSpec
from ferrule.engine.unpack import unpack
from ferrule.errors import EngineError, FerruleError, ImageError, OutputError, UsageError
from ferrule.image.image import Image
from ferrule.oci.image_config import RunConfig
from ferrule.process import Attached, Command, Starter, SystemRunner

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOST_FILES = ("etc/hosts", "etc/resolv.conf")

# Without `site` it starts in a third of the time, and finds us wherever we are installed; our folder comes
# last, so that nothing in it can stand for the standard library.
LAUNCH = "import sys; sys.path.append(sys.argv[1]); from ferrule.engine.sandbox_child import main; main()"


class Sandbox:
    """The engine that needs no engine."""

    name = "sandbox"
    loader = None

    def __init__(self, starter: Starter | None = None, *, folder: Path | None = None) -> None:
        """`folder` is where roots are unpacked, by default the folder for temporary files."""
        self._starter = starter or SystemRunner()
        self._folder = folder

    def start(self, request: RunRequest, *, stdout: BinaryIO, stderr: BinaryIO) -> "SandboxRun":
        """Unpack the image and start its program; see `Engine.start`."""
        if sys.platform != "linux":
            raise EngineError("the sandbox needs Linux", hint="use --engine docker")
        _check_ports(request)
        image = request.image
        if image is None:
            raise EngineError(
                f"the sandbox has no image {request.name}", hint="it keeps none: build or pull it"
            )
        try:
            place = Path(tempfile.mkdtemp(prefix="ferrule-run-", dir=self._folder))
        except OSError as error:
            raise OutputError(f"cannot make a folder for the sandbox: {error.strerror}") from error
        try:
            spec = _prepare(image, request, place)
            command = Command(argv=_launcher(), stdin=spec.to_json())
            return SandboxRun(self._starter.attached(command, stdout=stdout, stderr=stderr), place, spec)
        except BaseException:
            remove_tree(place)
            raise


class SandboxRun:
    """A program in its sandbox; see `Running`."""

    def __init__(self, guard: Attached, place: Path, spec: SandboxSpec) -> None:
        self._guard = guard
        self._place = place
        self._spec = spec

    def wait(self) -> int:
        """The program's exit code. Raises `ImageError` or `EngineError` when it was never started."""
        code = self._guard.wait()
        try:
            failure = Path(self._spec.failure_file).read_bytes()
        except FileNotFoundError:
            failure = b""
        if failure:
            raise _error_of(SandboxFailure.from_json(failure))
        return code if code >= 0 else 128 - code

    def stop(self) -> None:
        """The stop signal first, SIGKILL the second time or after ten seconds."""
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
            self._guard.signal(signal.SIGHUP)
            self._guard.wait()
        finally:
            remove_tree(self._place)


def _check_ports(request: RunRequest) -> None:
    for port in request.ports:
        if port.host != port.container:
            raise UsageError(
                f"the sandbox shares this machine's network: port {port.container} cannot be {port.host}",
                hint=f"publish {port.container}:{port.container}, or use --engine docker",
            )
    if request.network == "bridge":
        raise UsageError("the sandbox has no network of its own", hint="use --engine docker")


def _prepare(image: Image, request: RunRequest, place: Path) -> SandboxSpec:
    run = image.config.run
    argv = (*(run.entrypoint or ()), *(request.args or run.cmd or ()))
    if not argv:
        raise ImageError("the image names no program to run", hint="give one behind --")
    (place / "root").mkdir()
    (place / "root").chmod(0o755)
    root = unpack(image, place / "root")
    _furnish(root, run)
    account = find_account(run.user, root)
    return SandboxSpec(
        root=str(root.folder),
        argv=argv,
        env=_environment(run, request, account),
        cwd=run.working_dir or "/",
        uid=account.uid,
        gid=account.gid,
        groups=account.groups,
        as_user=not has_all_users(),
        stop_signal=stop_signal(run.stop_signal),
        grace=STOP_GRACE_SECONDS,
        failure_file=str(place / "failure"),
    )


def _furnish(root: RootFolder, run: RunConfig) -> None:
    """What an engine adds to the image's files: places for mounts and volumes, and the host's names."""
    try:
        for name in MOUNT_POINTS:
            root.make_real_folder(name)
        for volume in run.volumes or ():
            root.make_folder(volume)
        for name in HOST_FILES:
            source = Path("/") / name
            if source.is_file():
                root.write(name, source.read_text(encoding="utf-8", errors="surrogateescape"))
    except (OSError, ValueError) as error:
        raise ImageError(f"the image's file system cannot be completed: {error}") from error


def _environment(run: RunConfig, request: RunRequest, account: Account) -> tuple[str, ...]:
    merged = {"PATH": DEFAULT_PATH, "HOSTNAME": platform.node(), "HOME": account.home}
    for pair in run.env or ():
        name, equals, value = pair.partition("=")
        if name and equals:
            merged[name] = value
    merged.update(request.env)
    return tuple(f"{name}={value}" for name, value in merged.items())


def stop_signal(text: str) -> int:
    """The number for an image's `StopSignal`: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`; SIGTERM when empty."""
    name, _, offset = (text or "SIGTERM").upper().removeprefix("SIG").partition("+")
    known = {member.name.removeprefix("SIG"): int(member) for member in signal.Signals}
    if name.isascii() and name.isdecimal():
        number = int(name[:4])
    else:
        number = known.get(name, 0) + (int(offset[:4]) if offset.isascii() and offset.isdecimal() else 0)
    if number not in signal.valid_signals():
        raise ImageError(f"the image's stop signal {text[:40]!r} is unknown", hint="name one like SIGTERM")
    return number


def _launcher() -> tuple[str, ...]:
    package = Path(ferrule.__file__).parent.parent
    return (sys.executable, "-I", "-S", "-X", "utf8", "-c", LAUNCH, str(package))


def _error_of(failure: SandboxFailure) -> FerruleError:
    kind = ImageError if failure.of_image else EngineError
    return kind(failure.message, hint=failure.hint)
