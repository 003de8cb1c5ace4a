"""A thread that works while the main one waits for cargo: work goes in, futures come out in its order."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Beside:
    """Does one piece of work after the other. It is a daemon: Ctrl-C waits for none of them."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Do it when all that was submitted before is done."""
        future: Future[T] = Future()
        self._waiting.put((future, work))
        return future

    def _work(self) -> None:
        while True:
            future, work = self._waiting.get()
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - who asks for the result gets it
                future.set_exception(error)
