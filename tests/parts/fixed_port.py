"""A port that a test cannot choose: one run of the tests at a time on a machine."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

EXAMPLE = 3000
"""What the example has in its settings."""


@contextmanager
def fixed_port(number: int) -> Iterator[int]:
    """Wait until no other run of the tests, from whatever clone, has a service at the port."""
    # A socket without a file: it is gone with its process, whatever becomes of that.
    name = f"\0the tests of ferrule at port {number}"
    with socket.socket(socket.AF_UNIX) as held:
        while not _bound(held, name):
            time.sleep(0.1)
        yield number


def _bound(held: socket.socket, name: str) -> bool:
    try:
        held.bind(name)
    except OSError:
        return False
    return True
