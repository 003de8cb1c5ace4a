"""A process that joins the network of a sandbox: `{"process": N, "port": P, "path": "/…"}` on stdin.

It asks for the path over HTTP in the user namespace and network of process N, and prints `[status, body]`.
Only the standard library is imported: this must start quickly.
"""

import json
import os
import sys
from typing import Any, NoReturn

from ferrule.engine.ask_inside import ask
from ferrule.engine.syscalls import CLONE_NEWNET, CLONE_NEWUSER, enter

NO_ANSWER = 125


def main() -> NoReturn:
    """Do what stdin says. 125 when there is no answer, with a line on stderr when that is not possible."""
    try:
        code = _ask(json.loads(sys.stdin.buffer.read()))
    except OSError as error:
        os.write(2, f"{error}\n".encode(errors="surrogateescape"))
        code = NO_ANSWER
    sys.stdout.flush()
    os._exit(code)


def _ask(said: dict[str, Any]) -> int:
    enter(os.pidfd_open(said["process"]), CLONE_NEWUSER | CLONE_NEWNET)
    answer = ask(said["port"], said["path"])
    if answer is None:
        return NO_ANSWER
    sys.stdout.write(json.dumps(answer))
    return 0
