"""The process that starts the sandbox: a `SandboxSpec` on stdin, the program's output on stdout and stderr.

It stays outside as the guard. Only the standard library is imported: this must start quickly.
"""

# Pathlib would double the time to start.

import os
import signal
import sys
from typing import NoReturn

from ferrule.engine.sandbox_guard import DIED, SIGNALS, guard, remove_place, tidy_up
from ferrule.engine.sandbox_lock import hold
from ferrule.engine.sandbox_program import FAILED, become_program, not_allowed
from ferrule.engine.sandbox_record import FAILURE, write_guard, write_program
from ferrule.engine.sandbox_spec import SandboxFailure, SandboxSpec, StartError
from ferrule.engine.syscalls import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    die_with_parent,
    enter,
    map_ids,
    raise_loopback,
    unshare,
)

NAMESPACES = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS


def main() -> NoReturn:
    """Run the program; our exit code is the program's. Where nobody waits for it, 0 when it has started."""
    # Blocked from the first moment, so that none is lost: the guard fetches them one by one.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    said = sys.stdin.buffer.read()
    if not said:  # whoever wanted a sandbox is gone, in the middle of its preparation
        remove_place(sys.argv[2])
        os._exit(FAILED)
    spec = SandboxSpec.from_json(said)
    hold(spec.place)
    failure = os.open(f"{spec.place}/{FAILURE}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    started = -1
    if spec.parent:
        _stay_with(spec.parent, DIED)
    else:
        started = _run_on(failure)
    code, died = FAILED, False
    try:
        code, died = _run(spec, failure, started)
    except StartError as error:
        os.write(failure, error.failure.to_json())
    except OSError as error:
        os.write(failure, SandboxFailure(message=f"{error}", hint="", of_image=False).to_json())
    tidy_up(spec, code, died=died)
    os._exit(code)


def _stay_with(parent: int, number: int) -> None:
    die_with_parent(number)
    if os.getppid() != parent:  # it was gone before
        os.kill(os.getpid(), number)


def _run_on(failure: int) -> int:
    """Return in a process of a session of its own; what we give back is closed when the program has started.

    Our parent, who may end then, learns it from the end of the process that it knows.
    """
    reading, writing = os.pipe()
    waiting = os.getpid()
    ours = os.fork()
    if ours == 0:
        os.close(reading)
        os.setsid()
        os.chdir("/")
        _stay_with(waiting, signal.SIGHUP)
        return writing
    os.close(writing)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    die_with_parent(signal.SIGTERM)
    os.read(reading, 1)
    if os.fstat(failure).st_size:
        os.waitpid(ours, 0)
        os._exit(FAILED)
    os._exit(0)


def _run(spec: SandboxSpec, failure: int, started: int) -> tuple[int, bool]:
    _leave_namespaces(spec)
    waiting, running = os.pipe()
    program = os.fork()
    if program == 0:
        become_program(spec, failure)
    os.close(running)
    if started >= 0 or spec.watched:
        os.read(waiting, 1)  # the program has its own end until it is another program
    if spec.watched and not os.fstat(failure).st_size:
        write_program(spec.place, program)
    if started >= 0 and not os.fstat(failure).st_size:
        write_guard(spec.place)
        die_with_parent(0)
        os.close(started)
    return guard(program, spec)


def _leave_namespaces(spec: SandboxSpec) -> None:
    try:
        if spec.joins:
            enter(os.pidfd_open(spec.joins), CLONE_NEWNET | (CLONE_NEWUSER if spec.as_user else 0))
        outer = os.geteuid(), os.getegid()
        unshare(NAMESPACES | (CLONE_NEWUSER if spec.as_user else 0) | (CLONE_NEWNET if spec.alone else 0))
        if spec.as_user:
            map_ids(spec.uid, spec.gid, outer)
        if spec.alone:
            raise_loopback()
    except OSError as error:
        raise not_allowed(spec, error) from error
