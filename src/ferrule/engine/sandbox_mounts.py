"""The file systems inside the sandbox: an unpacked root goes in, and we are in it, with /proc and /dev.

As Docker has them, without /sys. The parts of /proc through which a root user could reach the machine are
read-only or hidden.
"""

# Pathlib would double the time to start.
# ruff: noqa: PTH102, PTH110, PTH112, PTH211

import os

from ferrule.engine.syscalls import (
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    bind,
    enter_root,
    mount,
)

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")
HIDDEN = ("acpi", "asound", "kcore", "keys", "latency_stats", "scsi", "sched_debug", "timer_list")
MOUNT_POINTS = ("proc", "dev")
"""Real folders that the root must have before."""


def build_root(root: str) -> None:
    """Mount everything below `root` and make it ours; needs new namespaces for mounts and processes."""
    mount("", "/", "", MS_REC | MS_PRIVATE)
    bind(root, root, MS_NOSUID | MS_NODEV)
    _build_dev(f"{root}/dev")
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    enter_root(root)
    _close_proc()


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


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))
