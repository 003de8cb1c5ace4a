"""Asks a program that runs here whether it is well: a `Question` goes in, a `HealthAnswer` comes out.

It asks over loopback alone, and with the standard library: a poll every few milliseconds needs no
credentials, redirects or pools. This is the one exception to the rule that HTTP leaves through the registry's
transport.
"""

import socket
import time
from collections.abc import Callable

import msgspec

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 0.25
ONE_TRY = 5.0
TOO_LONG = "it takes too long to answer"
"""Seconds for a single answer."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a port of this machine: a path, or without one a connection alone.

    `expect` is the status that is wanted, None for any from 200 to 399. `header` is a line of the request.
    """

    port: int
    path: str | None = None
    expect: int | None = None
    header: str | None = None
    host: str = "127.0.0.1"

    def __str__(self) -> str:
        place = f"{self.host}:{self.port}"
        return f"tcp://{place}" if self.path is None else f"http://{place}{self.path}"


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. `status` is the last one that HTTP gave, `seconds` counts from the first question.

    `reason` says in a few words why it is not well, and is empty when it is.
    """

    healthy: bool
    seconds: float
    status: int | None = None
    reason: str = ""


def wait_healthy(question: Question, *, within: float, ended: Callable[[], bool]) -> HealthAnswer:
    """Ask until the answer is a good one, for `within` seconds, or until the program has ended."""
    started = time.monotonic()
    pause = FIRST_PAUSE
    status: int | None = None
    reason = ""
    while True:
        gone = ended()  # before the question: whoever answers for a program that is gone is somebody else
        left = started + within - time.monotonic()
        if gone or left <= 0:
            break
        answer, said = _ask(question, min(ONE_TRY, left))
        status = answer if answer is not None else status
        if not said:
            return HealthAnswer(healthy=True, seconds=time.monotonic() - started, status=status)
        if not reason or said != TOO_LONG or left >= ONE_TRY:  # else it was our own end that cut it short
            reason = said
        time.sleep(min(pause, max(0.0, started + within - time.monotonic())))
        pause = min(2 * pause, LONGEST_PAUSE)
    seconds = time.monotonic() - started
    last = reason or "there was no time to ask"
    why = "the program ended" if gone else last if status is None else f"it answers {status}"
    return HealthAnswer(healthy=False, seconds=seconds, status=status, reason=why)


def _ask(question: Question, seconds: float) -> tuple[int | None, str]:
    """The status where there is one, and why it is not well."""
    from http.client import HTTPException  # it takes its time, and many verbs know this module

    try:
        if question.path is None:
            socket.create_connection((question.host, question.port), seconds).close()
            return None, ""
        status = _status(question, question.path, seconds)
    except TimeoutError:
        return None, TOO_LONG
    except ConnectionRefusedError:
        return None, f"nothing listens on port {question.port}"
    except (OSError, HTTPException) as error:
        return None, f"it does not answer in HTTP: {str(error) or type(error).__name__}"
    well = status == question.expect if question.expect else 200 <= status < 400
    return status, "" if well else f"it answers {status}"


def _status(question: Question, path: str, seconds: float) -> int:
    from http.client import HTTPConnection

    connection = HTTPConnection(question.host, question.port, timeout=seconds)
    name, colon, value = (question.header or "").partition(":")
    try:
        headers = {"Connection": "close", **({name: value.strip()} if colon else {})}
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
