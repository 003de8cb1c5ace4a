"""What is worth another try: a piece of work goes in, its result or its last error comes out."""

from collections.abc import Callable
from typing import TypeVar

from ferrule.registry.answer import TransientError

ATTEMPTS = 4
MAX_WAIT_SECONDS = 60.0
RETRY_SECONDS = 180.0

T = TypeVar("T")


def retried(work: Callable[[], T], *, attempts: int = ATTEMPTS) -> T:
    """Do something that may be done twice, up to so many times while its failures are transient ones."""
    try:
        return work()
    except TransientError as error:
        first = error
    # Not while the first failure is handled: it would be told as the cause of the others.
    return _again(work, first, attempts)


def _again(work: Callable[[], T], first: TransientError, attempts: int) -> T:
    # Imported when something has failed: it takes longer than all of a small push.
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    # stamina reports each retry to logging, and Python prints what nobody else handles.
    set_on_retry_hooks([])
    failures = [first]

    def work_again() -> T:
        if failures:
            raise failures.pop()
        return work()

    caller = stamina.RetryingCaller(
        attempts=attempts, timeout=RETRY_SECONDS, wait_initial=0.2, wait_max=5.0, wait_jitter=0.2
    )
    return caller.on(_backoff)(work_again)


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, TransientError):
        return False
    return True if error.after is None else error.after <= MAX_WAIT_SECONDS and max(error.after, 0.1)
