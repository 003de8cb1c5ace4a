"""The process beside the sandbox: it waits for the program's end, stops it when told to, and tidies up.

Where memory has a limit it is the one that keeps it: a control group takes root, or a share that somebody
gave to this user. It looks every few milliseconds, so a program that is large for a moment may get away.

Only the standard library is imported: this must start quickly.
"""

import os
import signal
import time
from contextlib import suppress

from ferrule.engine.processes import memory, unshared_memory
from ferrule.engine.sandbox_errand import Errands
from ferrule.engine.sandbox_record import ROOT, write_end, write_out_of_memory
from ferrule.engine.sandbox_spec import SandboxSpec

DIED = signal.SIGRTMIN
"""That the parent is dead: one that nobody else sends. Its number proves nothing, as it may for a moment
still be that of one of its threads; then this comes more than once."""

SIGNALS = {
    DIED,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGCHLD,
    signal.SIGUSR1,
    signal.SIGUSR2,
}
"""SIGTERM to the guard means "stop the program"; a second one, or SIGHUP, "now". SIGUSR: see `Errands`."""

LOOK_SECONDS = 0.01


def guard(program: int, spec: SandboxSpec) -> tuple[int, bool]:
    """Wait for the end; the program's exit code, 128 + the signal's number when one ended it, and whether
    the parent has died."""
    asked, died, deadline, errands = False, False, None, Errands(program, spec)
    while True:
        came = _next(deadline, LOOK_SECONDS if spec.memory else None)
        if came == DIED and died:
            continue
        died = died or came == DIED
        if came == signal.SIGUSR1:
            errands.start()
        elif came == signal.SIGUSR2:
            errands.stop()
        elif came == signal.SIGCHLD:
            errands.reap()
            ended, status = os.waitpid(program, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code, died
        elif came is None and (deadline is None or time.monotonic() < deadline):
            _keep_limit(program, spec)
        elif not asked and came not in (None, signal.SIGHUP):
            asked = True
            os.kill(program, spec.stop_signal)
            # One that runs on by itself is stopped by somebody who has a clock of his own.
            deadline = time.monotonic() + spec.grace if spec.parent else None
        else:  # asked twice, or the time is over
            os.kill(program, signal.SIGKILL)
            deadline = None


def _next(deadline: float | None, seconds: float | None) -> int | None:
    """The next signal, or None at the deadline, and after so many seconds."""
    left = [seconds] if seconds is not None else []
    left += [max(0.0, deadline - time.monotonic())] if deadline is not None else []
    if not left:
        return signal.sigwait(SIGNALS)
    info = signal.sigtimedwait(SIGNALS, min(left))
    return info.si_signo if info else None


def _keep_limit(program: int, spec: SandboxSpec) -> None:
    # The exact figure costs more: it is taken when the rough one, which is never less, is too large.
    if unshared_memory(program) > spec.memory and memory(program) > spec.memory:
        write_out_of_memory(spec.place)
        os.kill(program, signal.SIGKILL)


def tidy_up(spec: SandboxSpec, code: int, *, died: bool) -> None:
    """Leave what our parent wants to see: all of it, if it is there; its output, if it never waited."""
    died = died or DIED in signal.sigpending()
    if spec.parent and not died and os.getppid() == spec.parent:
        return
    remove_place(spec.place if spec.parent else f"{spec.place}/{ROOT}")
    if not spec.parent:
        with suppress(OSError):
            write_end(spec.place, code)


def remove_place(place: str) -> None:
    """Remove what nobody wants any more; what is left then, a later run removes."""
    # No part of the way to the program, and imported when the time to start does not count any more.
    from pathlib import Path

    from ferrule.engine.rootfs import remove_tree

    with suppress(OSError):
        remove_tree(Path(place))
