"""Work side by side where waiting is the work: items go in, results come out in their order."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from ferrule.errors import FerruleError

AT_ONCE = 4
GRACE_SECONDS = 2.0

T = TypeVar("T")
R = TypeVar("R")


class StoppedError(FerruleError):
    """Another piece of the same work has failed, or the user has pressed Ctrl-C."""


class _Here(threading.local):
    stop: threading.Event | None = None


_here = _Here()


def side_by_side(work: Callable[[T], R], items: Iterable[T]) -> tuple[R, ...]:
    """Do the work for every item, four at a time. The first failure ends the others and is raised.

    The threads are daemons: after Ctrl-C they have two seconds to tidy up, even where a server hangs.
    """
    crew = _Crew(work, items)
    threads = [threading.Thread(target=crew.run, daemon=True) for _ in range(min(AT_ONCE, len(crew.left)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        crew.stop.set()
        for thread in threads:
            if thread.is_alive():
                thread.join(GRACE_SECONDS / len(threads))
        raise
    if crew.failures:
        raise crew.failures[0]
    return tuple(crew.results[place] for place in sorted(crew.results))


def raise_if_stopped() -> None:
    """To be called between the pieces of a long upload or download."""
    if _here.stop is not None and _here.stop.is_set():
        raise StoppedError("another one failed, or you interrupted")


class _Crew(Generic[T, R]):
    """What the threads share."""

    def __init__(self, work: Callable[[T], R], items: Iterable[T]) -> None:
        self.left = deque(enumerate(items))
        self.results: dict[int, R] = {}
        self.failures: list[BaseException] = []
        self.stop = threading.Event()
        self._work = work

    def run(self) -> None:
        _here.stop = self.stop
        while not self.stop.is_set():
            try:
                place, item = self.left.popleft()
            except IndexError:
                return
            try:
                self.results[place] = self._work(item)
            except BaseException as error:  # noqa: BLE001 - the thread that waits raises it
                self.failures.append(error)
                self.stop.set()
