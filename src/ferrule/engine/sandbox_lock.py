"""Locks on the folders of sandboxes: whoever works in one holds it, and lets go of it however he ends.

Only the standard library is imported: the sandbox's own process holds its folder too.
"""

# Pathlib would double the time to start.

import fcntl
import os
from contextlib import suppress

FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def hold(folder: str) -> int:
    """Hold the folder together with others, until the descriptor is closed. Raises `OSError`."""
    held = os.open(folder, FLAGS)
    with suppress(OSError):  # a disk without locks, where nothing is ever taken for abandoned
        fcntl.flock(held, fcntl.LOCK_SH)
    return held


def hold_alone(held: int) -> None:
    """Wait until nobody else holds the folder."""
    with suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_EX)


def try_hold_alone(folder: str) -> int | None:
    """Hold the folder alone, or None when somebody holds it. `OSError` when it is gone, or has no locks."""
    held = os.open(folder, FLAGS)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return held


def is_at(held: int, folder: str) -> bool:
    """Whether what is held is still what has the name."""
    try:
        return os.path.samestat(os.fstat(held), os.lstat(folder))
    except FileNotFoundError:
        return False
