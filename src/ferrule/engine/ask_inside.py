"""Asks over HTTP on loopback, in the network of a process of this machine: a path becomes an answer.

Only the standard library is imported: a process that has to join a user namespace for it is one of these.
"""

import os
import threading
from typing import NamedTuple

from ferrule.engine.processes import shares

ANSWER_SECONDS = 5
LONGEST_ANSWER = 1 << 16


class Answer(NamedTuple):
    """What HTTP gave."""

    status: int
    body: str


def ask_inside(process: int, port: int, path: str) -> Answer | None:
    """The answer, None without one. Another network takes root, or a user namespace of ours.

    A thread can join a network alone, but no user namespace: that takes a process.
    """
    try:
        if shares(process, "net"):
            return ask(port, path)
        if not shares(process, "user"):
            return _by_a_process(process, port, path)
    except OSError:
        return None
    found: list[Answer | None] = []
    thread = threading.Thread(target=lambda: found.append(_by_this_thread(process, port, path)))
    thread.start()
    thread.join()
    return found[0] if found else None


def ask(port: int, path: str) -> Answer | None:
    """Ask on loopback of the network that we are in."""
    import http.client  # many images have a check of their own, and are not asked from here

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return Answer(status=answer.status, body=answer.read(LONGEST_ANSWER).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _by_this_thread(process: int, port: int, path: str) -> Answer | None:
    """The thread belongs to that network until its end."""
    from ferrule.engine.syscalls import CLONE_NEWNET, enter  # and with it all of ctypes

    try:
        named = os.pidfd_open(process)
        try:
            enter(named, CLONE_NEWNET)
        finally:
            os.close(named)
    except OSError:
        return None
    return ask(port, path)


def _by_a_process(process: int, port: int, path: str) -> Answer | None:
    import json

    from ferrule.engine.execution import execute_for, launcher
    from ferrule.process import Command, SystemRunner

    said = json.dumps({"process": process, "port": port, "path": path})
    command = Command(argv=launcher("sandbox_enter"), stdin=said.encode())
    executed = execute_for(SystemRunner(), command, 2 * ANSWER_SECONDS)
    try:
        return Answer(*json.loads(executed.output)) if executed.code == 0 else None
    except (ValueError, TypeError):
        return None
