"""The process beside the sandbox: it waits for the program's end, stops it when told to, and tidies up.

Only the standard library is imported: this must start quickly.
"""

import os
import signal
import time
from contextlib import suppress

from ferrule.engine.sandbox_record import ROOT, write_end
from ferrule.engine.sandbox_spec import SandboxSpec

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
"""SIGTERM to the guard means "stop the program"; a second one, or SIGHUP, "now"."""


def guard(program: int, spec: SandboxSpec) -> int:
    """Wait for the end; the program's exit code, 128 + the signal's number when one ended it."""
    asked, deadline = False, None
    while True:
        if deadline is None:
            came: int | None = signal.sigwait(SIGNALS)
        else:
            info = signal.sigtimedwait(SIGNALS, max(0.0, deadline - time.monotonic()))
            came = info.si_signo if info else None
        if came == signal.SIGCHLD:
            ended, status = os.waitpid(program, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
        elif not asked and came != signal.SIGHUP:
            asked = True
            os.kill(program, spec.stop_signal)
            # One that runs on by itself is stopped by somebody who has a clock of his own.
            deadline = time.monotonic() + spec.grace if spec.parent else None
        else:  # asked twice, or the time is over
            os.kill(program, signal.SIGKILL)
            deadline = None


def tidy_up(spec: SandboxSpec, code: int) -> None:
    """Leave what our parent wants to see: all of it, if it is there; its output, if it never waited."""
    if spec.parent and os.getppid() == spec.parent:
        return
    # No part of the way to the program, and imported when the time to start does not count any more.
    from pathlib import Path

    from ferrule.engine.rootfs import remove_tree

    place = Path(spec.place)
    with suppress(OSError):  # what is left now, a later run removes
        remove_tree(place if spec.parent else place / ROOT)
        if not spec.parent:
            write_end(spec.place, code)
