"""A process that joins a sandbox, or only its network: a JSON object on stdin says what for.

`{"spec": …, "process": N, "argv": […]}` runs a command in the sandbox of that `SandboxSpec`, whose program is
process N; our exit code and output are the command's. `{"process": N, "port": P, "path": "/…"}` asks for a
path over HTTP, in the user namespace and the network of process N, and prints `[status, body]`.

Only the standard library is imported: this must start quickly.
"""

import json
import os
import signal
import sys
from typing import Any, NoReturn

from ferrule.engine.sandbox_program import execute
from ferrule.engine.sandbox_spec import SandboxSpec, StartError
from ferrule.engine.syscalls import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    enter,
)

NOT_STARTED = 125
ALL = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS


def main() -> NoReturn:
    """Do what stdin says. 125 with a line on stderr when that is not possible."""
    said = json.loads(sys.stdin.buffer.read())
    try:
        if "argv" in said:
            code = _execute(SandboxSpec.from_json(json.dumps(said["spec"]).encode()), said)
        else:
            code = _ask(said)
    except OSError as error:
        code = _fail(f"{error}")
    sys.stdout.flush()
    os._exit(code)


def _execute(spec: SandboxSpec, said: dict[str, Any]) -> int:
    own = (CLONE_NEWUSER if spec.as_user else 0) | (CLONE_NEWNET if spec.alone or spec.joins else 0)
    enter(os.pidfd_open(said["process"]), ALL | own)
    child = os.fork()
    if child == 0:
        try:
            os.chdir(spec.cwd)
            execute(spec._replace(argv=tuple(said["argv"])))
        except StartError as error:
            os._exit(_fail(error.failure.message))
        except OSError as error:
            os._exit(_fail(f"{error}"))
    # Ended by us, so that it is no child that the program would have to wait for.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _ask(said: dict[str, Any]) -> int:
    from ferrule.engine.ask_inside import ask

    enter(os.pidfd_open(said["process"]), CLONE_NEWUSER | CLONE_NEWNET)
    answer = ask(said["port"], said["path"])
    if answer is None:
        return NOT_STARTED
    sys.stdout.write(json.dumps(answer))
    return 0


def _fail(line: str) -> int:
    os.write(2, f"{line}\n".encode(errors="surrogateescape"))
    return NOT_STARTED
