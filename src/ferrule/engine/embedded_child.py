"""The process that keeps an embedded Postgres: a JSON object on stdin says which, what it writes is its log.

It stays beside the server, as its guard: with its parent's end, however that comes, the server ends and its
files go. The server is process 1 of namespaces of its own, so that none of its processes is left either, and
with `alone` of a network that has nothing but loopback. It refuses to be root, and is nobody in there then.

Only the standard library is imported: this must start quickly.
"""

# Pathlib would double the time to start.
# ruff: noqa: PTH108

import json
import os
import signal
import sys
from contextlib import suppress
from typing import NamedTuple, NoReturn

from ferrule.engine.sandbox_lock import hold
from ferrule.engine.sandbox_record import write_program
from ferrule.engine.syscalls import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    die_with_parent,
    map_ids,
    raise_loopback,
    unshare,
)

DATA, PASSWORD = "data", "password"
NOBODY = 65534
DIED, DONE = signal.SIGTERM, signal.SIGHUP
"""From the parent: see `container_guard`."""
SIGNALS = {DIED, DONE, signal.SIGINT, signal.SIGCHLD}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Nothing in shared folders that would stay when it is killed, and its data need not outlive anything.
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class EmbeddedSpec(NamedTuple):
    """A server to run: `programs` is the folder of initdb and postgres, `place` the folder of its data."""

    place: str
    programs: str
    user: str
    port: int
    alone: bool
    parent: int


def main() -> NoReturn:
    """Start it, and wait for its end, for ours, or for a signal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    spec = EmbeddedSpec(**json.loads(sys.stdin.buffer.read()))
    hold(spec.place)
    die_with_parent(DIED)
    has_died = os.getppid() != spec.parent
    if not has_died:
        try:
            has_died = _keep(spec) == DIED
        except OSError as error:
            os.write(2, f"this machine does not allow it: {error}\n".encode())
    if has_died:
        _remove(spec.place)
    os._exit(0)


def _keep(spec: EmbeddedSpec) -> int:
    """The signal that ended it."""
    _leave_namespaces(spec)
    server = os.fork()
    if server == 0:
        _become_server(spec)
    write_program(spec.place, server)
    came = signal.sigwait(SIGNALS)
    # Its data are thrown away: there is nothing to write first.
    with suppress(ProcessLookupError):
        os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)
    return came


def _leave_namespaces(spec: EmbeddedSpec) -> None:
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC | (CLONE_NEWNET if spec.alone else 0))
    map_ids(uid or NOBODY, gid or NOBODY, (uid, gid))
    if spec.alone:
        raise_loopback()


def _become_server(spec: EmbeddedSpec) -> NoReturn:
    try:
        die_with_parent(signal.SIGKILL)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.umask(0o077)
        _initialise(spec)
        words = (f"{name}={value}" for name, value in SETTINGS.items())
        options = [part for word in words for part in ("-c", word)]
        _execute(spec, "postgres", "-D", f"{spec.place}/{DATA}", "-p", str(spec.port), *options)
    except OSError as error:
        os.write(2, f"{error}\n".encode())
    os._exit(1)


def _initialise(spec: EmbeddedSpec) -> None:
    """initdb, with the password from a file that is gone afterwards."""
    child = os.fork()
    if child == 0:
        files = ("-D", f"{spec.place}/{DATA}", "--pwfile", f"{spec.place}/{PASSWORD}")
        how = ("--username", spec.user, "--auth", "scram-sha-256", "--no-sync", "--encoding=UTF8")
        _execute(spec, "initdb", *files, *how, "--locale=C")
    _, status = os.waitpid(child, 0)
    os.unlink(f"{spec.place}/{PASSWORD}")
    if status:
        os._exit(1)


def _execute(spec: EmbeddedSpec, name: str, *arguments: str) -> NoReturn:
    program = f"{spec.programs}/{name}"
    # Variables of a client, such as PGPORT, say nothing about this server.
    env = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    os.execve(program, (program, *arguments), {**env, "LC_ALL": "C"})  # noqa: S606 - nothing of a shell is wanted


def _remove(place: str) -> None:
    from pathlib import Path

    from ferrule.engine.rootfs import remove_tree

    with suppress(OSError):  # what is left now, a later run removes
        remove_tree(Path(place))
