"""The port of the example's settings, for tests that cannot choose another: one at a time on a machine."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

PORT = 3000
NAME = f"\0the tests of ferrule at port {PORT}"
"""Of a socket that has no file: it is gone with its process, whatever becomes of that."""


@contextmanager
def example_port() -> Iterator[int]:
    """Wait until no other run of the tests, from whatever clone, has a service there."""
    with socket.socket(socket.AF_UNIX) as held:
        while not _bound(held):
            time.sleep(0.1)
        yield PORT


def _bound(held: socket.socket) -> bool:
    try:
        held.bind(NAME)
    except OSError:
        return False
    return True
