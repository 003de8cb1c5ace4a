"""The few Linux calls that Python 3.11 lacks, through the C library; each raises `OSError` with its errno."""

import ctypes
import os
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_RELATIME = 1 << 21
MNT_DETACH = 2

_ST_TO_MS = {
    1: MS_RDONLY,
    2: MS_NOSUID,
    4: MS_NODEV,
    8: MS_NOEXEC,
    1024: MS_NOATIME,
    2048: MS_NODIRATIME,
    4096: MS_RELATIME,
}

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522
_MAX_CAPABILITY = 64

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones: unshare(2). A new pid namespace begins with the next child."""
    _check(_libc.unshare(flags))


def enter(process: int, flags: int) -> None:
    """Join namespaces of another process, which a pidfd names: setns(2), since Linux 5.8.

    Of a pid namespace the next child is a part.
    """
    _check(_libc.setns(process, flags))


def map_ids(uid: int, gid: int, outer: tuple[int, int]) -> None:
    """In a new user namespace: be this user and group, which are `outer` outside."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer[0]} 1"),
        ("gid_map", f"{gid} {outer[1]} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Attach a file system: mount(2)."""
    _check(
        _libc.mount(
            os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode()
        ),
        target,
    )


def bind(source: str, target: str, flags: int = 0, *, recursive: bool = False) -> None:
    """Show `source` at `target` too, and what is mounted in it if `recursive`; for `flags` see `restrict`."""
    mount(source, target, "", MS_BIND | (MS_REC if recursive else 0))
    restrict(target, flags)


def restrict(target: str, flags: int) -> None:
    """Add `flags` to those that a bound file system has already.

    In a user namespace those may not be taken away, so they are given again.
    """
    kept = os.statvfs(target).f_flag
    for st_flag, ms_flag in _ST_TO_MS.items():
        flags |= ms_flag if kept & st_flag else 0
    mount("", target, "", MS_REMOUNT | MS_BIND | flags)


def enter_root(folder: str) -> None:
    """Make the folder, which must be a mount point, the root, and let go of the old one: pivot_root(2)."""
    os.chdir(folder)
    # With the same folder twice, the old root lies over the new one, and needs no place inside it.
    _check(_libc.pivot_root(b".", b"."), folder)
    _check(_libc.umount2(b".", MNT_DETACH))
    os.chdir("/")


def die_with_parent(number: int) -> None:
    """Be sent this signal when the parent ends, however it ends: prctl(2), PR_SET_PDEATHSIG. 0 is none."""
    _prctl(_PR_SET_PDEATHSIG, number)


def forbid_capabilities(kept: tuple[int, ...]) -> None:
    """No program started from here on gets another capability than these: the bounding set."""
    for capability in range(_MAX_CAPABILITY):
        if capability in kept:
            continue
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            break  # one more than the kernel knows


def drop_capabilities() -> None:
    """Give up all that we have: capset(2)."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, nothing))


def forbid_new_privileges() -> None:
    """No file gives a program more than we have, by its owner or by its capabilities: PR_SET_NO_NEW_PRIVS."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def raise_loopback() -> None:
    """Make 127.0.0.1 and ::1 work in a new network namespace: netdevice(7)."""
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        fcntl.ioctl(anything, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero))


def _check(result: Any, place: str = "") -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), place or None)
