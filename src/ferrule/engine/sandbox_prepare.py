"""A sandbox before its start: an image and a `RunRequest` go in, a root and a `SandboxSpec` come out."""

import os
import platform
import signal
from collections.abc import Callable
from pathlib import Path

from ferrule.capability import ATTRIBUTE, NAMES
from ferrule.engine.account import Account, find_account
from ferrule.engine.engine import RunRequest
from ferrule.engine.rootfs import RootFolder, has_all_users
from ferrule.engine.sandbox_record import ROOT
from ferrule.engine.sandbox_spec import MOUNT_POINTS, SandboxSpec
from ferrule.engine.strict import TMP
from ferrule.engine.unpack import unpack
from ferrule.errors import ImageError, UsageError
from ferrule.image.image import Image
from ferrule.oci.image_config import RunConfig
from ferrule.probe.place import program_of

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GIVEN = frozenset(("NET_BIND_SERVICE",))
"""Capabilities of a file that count here: with the host's network, and as root, others could do harm."""
HOST_FILES = ("etc/hosts", "etc/resolv.conf")


def prepare(
    image: Image, request: RunRequest, place: Path, *, parent: int, warn: Callable[[str], None]
) -> SandboxSpec:
    """Unpack the image below `place`, and say how its program runs there; for `parent` see `SandboxSpec`.

    `warn` hears which capabilities it does not get. Raises `ImageError` when it cannot run, `UsageError` when
    it cannot run as it was asked to.
    """
    _check_network(request)
    run = image.config.run
    argv = (*(run.entrypoint or ()), *(request.args or run.cmd or ()))
    if not argv:
        raise ImageError("the image names no program to run", hint="give one behind --")
    (place / ROOT).mkdir()
    (place / ROOT).chmod(0o755)
    root = unpack(image, place / ROOT)
    _furnish(root, run)
    strict = request.strict
    account = find_account((strict and strict.user) or run.user, root)
    return SandboxSpec(
        place=str(place),
        argv=argv,
        env=_environment(run, request, account),
        cwd=run.working_dir or "/",
        uid=account.uid,
        gid=account.gid,
        groups=account.groups,
        as_user=not has_all_users(),
        stop_signal=stop_signal(run.stop_signal),
        grace=request.grace,
        mounts=(*_mounts(request), *(_writable(root, run) if strict else ())),
        capabilities=_capabilities(root, program_of(argv), warn),
        parent=parent,
        watched=strict is not None,
        alone=strict is not None and not strict.host_network and not request.network_of,
        joins=int(request.network_of or 0),
        read_only=strict is not None and not strict.writable,
        memory=strict.memory if strict else 0,
    )


def _mounts(request: RunRequest) -> tuple[tuple[str, str, bool], ...]:
    return tuple(
        (mount.source and os.path.realpath(mount.source), mount.target, mount.read_only)
        for mount in request.mounts
    )


def _writable(root: RootFolder, run: RunConfig) -> tuple[tuple[str, str, bool], ...]:
    """What stays writable in a read-only root: memory at /tmp, and the volumes, with what is in them."""
    volumes = ((os.path.realpath(root.place(volume, follow=True)), volume) for volume in run.volumes or ())
    return (("", TMP, False), *((place, volume, False) for place, volume in volumes if volume != TMP))


def _capabilities(root: RootFolder, program: str, warn: Callable[[str], None]) -> tuple[int, ...]:
    place = root.place(program, follow=True)
    names = root.capabilities.get(place, ())
    if not set(names) <= GIVEN:
        beyond = ", ".join(name for name in names if name not in GIVEN)
        warn(f"the program starts without {beyond}: the sandbox gives it to nobody, other engines may")
        return ()
    if names and not _has_attribute(place):
        warn(f"the program starts without {', '.join(names)}: only root can run a sandbox that gives it")
        return ()
    return tuple(map(NAMES.index, names))


def _has_attribute(place: str) -> bool:
    try:
        return bool(os.getxattr(place, ATTRIBUTE, follow_symlinks=False))
    except OSError:
        return False


def _check_network(request: RunRequest) -> None:
    for port in request.ports:
        if port.host != port.container:
            raise UsageError(
                f"the sandbox shares this machine's network: port {port.container} cannot be {port.host}",
                hint=f"publish {port.container}:{port.container}, or use --engine docker",
            )
    if request.network == "bridge":
        raise UsageError("the sandbox has no network of its own", hint="use --engine docker")


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
    given = {**merged, **dict(request.env)}
    return tuple(f"{name}={value}" for name, value in given.items() if value is not None)


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
