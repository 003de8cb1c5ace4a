"""Commands that run beside the program of a sandbox: its guard starts them, one at a time.

Who looks at the program writes down what is to run and sends the guard SIGUSR1; the exit code comes through a
named pipe. SIGUSR2 ends the command. The guard is a Python that has started already, and it is in every
namespace of the program but that of the mounts, so a fork is all that it takes.

Only the standard library is imported: this must start quickly.
"""

import os
import signal
from typing import NoReturn

from ferrule.engine.sandbox_program import execute
from ferrule.engine.sandbox_record import OUTPUT, read_errand, write_code
from ferrule.engine.sandbox_spec import SandboxSpec, StartError
from ferrule.engine.syscalls import CLONE_NEWNS, enter

NOT_STARTED = 125


class Errands:
    """What the guard knows of them."""

    def __init__(self, program: int, spec: SandboxSpec) -> None:
        self._program = program
        self._spec = spec
        self._running = 0

    def start(self) -> None:
        """Run what is written down, unless one runs still."""
        argv = read_errand(self._spec.place)
        if argv and not self._running:
            named = os.pidfd_open(self._program)  # its number means another one to a process beside it
            self._running = os.fork()
            if not self._running:
                _become(argv, named, self._spec)
            os.close(named)

    def stop(self) -> None:
        """End the one that runs."""
        if self._running:
            os.kill(self._running, signal.SIGKILL)

    def reap(self) -> None:
        """Say how it ended, if it has."""
        if self._running:
            ended, status = os.waitpid(self._running, os.WNOHANG)
            if ended:
                self._running = 0
                code = os.waitstatus_to_exitcode(status)
                write_code(self._spec.place, code if code >= 0 else 128 - code)


def _become(argv: tuple[str, ...], named: int, spec: SandboxSpec) -> NoReturn:
    try:
        output = os.open(f"{spec.place}/{OUTPUT}", os.O_WRONLY | os.O_APPEND)
        for descriptor, target in ((os.open("/dev/null", os.O_RDONLY), 0), (output, 1), (output, 2)):
            os.dup2(descriptor, target)
        os.umask(0o022)
        enter(named, CLONE_NEWNS)
        os.chdir(spec.cwd)
        execute(spec._replace(argv=argv))
    except StartError as error:
        said = error.failure.message
    except Exception as error:  # noqa: BLE001 - the last resort of a forked process: nobody else tells
        said = f"{error}"
    os.write(2, f"{said}\n".encode(errors="surrogateescape"))
    os._exit(NOT_STARTED)
