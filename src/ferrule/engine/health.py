"""Asks a program that runs here whether it is well: port and path go in, a `HealthAnswer` comes out.

It asks over loopback alone, and with the standard library: a poll every few milliseconds needs no
credentials, redirects or pools. This is the one exception to the rule that HTTP leaves through the registry's
transport.
"""

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 0.25
ONE_TRY = 5.0
"""Seconds for a single answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthAnswer:
    """How it ended. `status` is the last one that HTTP gave, `seconds` counts from the first question.

    `reason` says in a few words why it is not well, and is empty when it is.
    """

    healthy: bool
    seconds: float
    status: int | None = None
    reason: str = ""


def wait_healthy(
    port: int, path: str, *, within: float, ended: Callable[[], bool], host: str = "127.0.0.1"
) -> HealthAnswer:
    """Ask until the answer is from 200 to 399, for `within` seconds, or until the program has ended."""
    started = time.monotonic()
    pause = FIRST_PAUSE
    status: int | None = None
    reason = "there was no time to ask"
    while True:
        gone = ended()  # before the question: whoever answers for a program that is gone is somebody else
        left = started + within - time.monotonic()
        if gone or left <= 0:
            break
        answer, reason = _ask(host, port, path, min(ONE_TRY, left))
        status = answer if answer is not None else status
        if answer is not None and 200 <= answer < 400:
            return HealthAnswer(healthy=True, seconds=time.monotonic() - started, status=status)
        time.sleep(min(pause, max(0.0, started + within - time.monotonic())))
        pause = min(2 * pause, LONGEST_PAUSE)
    seconds = time.monotonic() - started
    why = "the program ended" if gone else reason if status is None else f"it answers {status}"
    return HealthAnswer(healthy=False, seconds=seconds, status=status, reason=why)


def _ask(host: str, port: int, path: str, seconds: float) -> tuple[int | None, str]:
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status, ""
    except TimeoutError:
        return None, "it takes too long to answer"
    except ConnectionRefusedError:
        return None, f"nothing listens on port {port}"
    except (OSError, http.client.HTTPException) as error:
        return None, f"it does not answer in HTTP: {str(error) or type(error).__name__}"
    finally:
        connection.close()
