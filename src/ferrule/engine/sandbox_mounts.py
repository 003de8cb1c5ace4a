"""The file systems inside the sandbox: an unpacked root goes in, and we are in it, with /proc and /dev.

As Docker has them, without /sys. The parts of /proc through which a root user could reach the machine are
read-only or hidden.
"""

# Pathlib would double the time to start.
# ruff: noqa: PTH101, PTH102, PTH103, PTH106, PTH110, PTH112, PTH116, PTH120, PTH123, PTH211

import errno
import os
import re
import stat

from ferrule.engine.sandbox_spec import StartError
from ferrule.engine.syscalls import (
    MS_BIND,
    MS_MOVE,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    bind,
    enter_root,
    mount,
    restrict,
)

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")
HIDDEN = ("acpi", "asound", "kcore", "keys", "latency_stats", "scsi", "sched_debug", "timer_list")
WAITING = "/dev/.mounts"
"""Where mounts are until their targets can be looked up."""


def build_root(root: str, mounts: tuple[tuple[str, str, bool], ...], *, honour_files: bool) -> None:
    """Mount everything below `root` and make it ours; needs new namespaces for mounts and processes.

    `mounts` are (source or empty, target, read-only). With `honour_files`, which only root may ask for, the
    kernel gives a program of the image what its file says.
    """
    mount("", "/", "", MS_REC | MS_PRIVATE)
    bind(root, root, MS_NOSUID | MS_NODEV)
    if honour_files:
        mount("", root, "", MS_REMOUNT | MS_BIND | MS_NODEV)
    _build_dev(f"{root}/dev")
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.mkdir(f"{root}{WAITING}")
    for number, (source, _, _) in enumerate(mounts):
        _take(source, f"{root}{WAITING}/{number}")
    enter_root(root)
    _close_proc()
    for number, (source, target, read_only) in enumerate(mounts):
        try:
            mode = _prepare(target, of_folder=os.path.isdir(f"{WAITING}/{number}"))
            _show(f"{WAITING}/{number}", target, MS_RDONLY if read_only else 0)
            if mode is not None and not source:
                os.chmod(target, mode)  # as Docker's memory has it
        except OSError as error:
            raise StartError(
                f"nothing can be mounted at {target}: {error.strerror}", hint="choose another target"
            ) from error
    os.rmdir(WAITING)


def _build_dev(dev: str) -> None:
    mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=755,size=64k")
    for name in DEVICES:
        _touch(f"{dev}/{name}")
        # Shown rather than made: mknod(2) is forbidden in a user namespace.
        bind(f"/dev/{name}", f"{dev}/{name}", MS_NOSUID | MS_NOEXEC)
    os.mkdir(f"{dev}/shm")
    mount("tmpfs", f"{dev}/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=64m")
    os.mkdir(f"{dev}/pts")
    mount("devpts", f"{dev}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    for name, target in LINKS.items():
        os.symlink(target, f"{dev}/{name}")


def _close_proc() -> None:
    for name in READ_ONLY:
        path = f"/proc/{name}"
        if os.path.exists(path):
            bind(path, path, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in HIDDEN:
        path = f"/proc/{name}"
        if os.path.isdir(path):
            mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0")
        elif os.path.exists(path):
            bind("/dev/null", path, MS_NOSUID | MS_NOEXEC)


def _take(source: str, waiting: str) -> None:
    """Bring a source, or memory, into the root before we lose sight of it."""
    if source and not os.path.isdir(source):
        _touch(waiting)
    else:
        os.mkdir(waiting)
    if source:
        bind(source, waiting, recursive=True)
    else:
        mount("tmpfs", waiting, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")


def _prepare(target: str, *, of_folder: bool) -> int | None:
    """Make what is to be mounted on; the mode of what is there already."""
    if os.path.exists(target):
        if of_folder != os.path.isdir(target):
            raise OSError(errno.ENOTDIR, "not a directory" if of_folder else "it is a directory")
        return stat.S_IMODE(os.stat(target).st_mode)
    os.makedirs(target if of_folder else os.path.dirname(target), exist_ok=True)
    if not of_folder:
        _touch(target)
    return None


def _show(waiting: str, target: str, flags: int) -> None:
    """Move it to its target. We are in the new root and nowhere else: no link can lead out of it."""
    mount(waiting, target, "", MS_MOVE)
    place = os.path.realpath(target)
    for each in (place, *_mounted_below(place)):
        restrict(each, flags | MS_NOSUID | MS_NODEV)
    (os.rmdir if os.path.isdir(waiting) else os.unlink)(waiting)


def _mounted_below(target: str) -> list[str]:
    with open("/proc/self/mountinfo", "rb") as file:
        places = [line.split(b" ")[4] for line in file]
    names = [os.fsdecode(re.sub(rb"\\[0-7]{3}", _byte, place)) for place in places]
    return [name for name in names if name.startswith(f"{target}/")]


def _byte(digits: re.Match[bytes]) -> bytes:
    """Blanks and the like are written as three octal digits there."""
    return bytes([int(digits[0][1:], 8)])


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))
