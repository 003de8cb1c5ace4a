"""Many kills, one after the other: scenes and a number go in, failures with the seed come out."""

import os
import random
import signal
import sys
import tarfile

from tests.crashes.harness import (
    INTERRUPTED,
    Reference,
    check_recovery,
    check_visible,
    disturb,
    instants,
)


def seed() -> int:
    """Another one each time, or KILL_SEED to see a failure again. Printed, so that a failure shows it."""
    chosen = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1 << 32))
    sys.stdout.write(f"KILL_SEED={chosen}\n")
    return chosen


def kill(references: tuple[Reference, ...], each: int, number: int) -> int:
    """Kill every scene `each` times over the length of its run; gives how many were alive to be killed."""
    hit = 0
    random_ = random.Random(seed())
    for reference in references:
        for instant in instants(each, random_):
            code, stderr = disturb(reference, instant, number)
            try:
                hit += check_end(code, number, stderr)
                check_visible(reference)
                check_recovery(reference)
            except (AssertionError, OSError, ValueError, tarfile.TarError) as error:
                error.add_note(f"{reference.scene} at {instant}, signal {number}: {code}, {stderr}")
                raise
    return hit


def check_end(code: int, number: int, stderr: str) -> bool:
    """Whether the signal ended the run: it may have been done before."""
    assert "Traceback" not in stderr
    if code == 0:
        return False
    if number == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == INTERRUPTED
        assert [line for line in stderr.splitlines() if line.startswith("error: ")] == ["error: interrupted"]
    return True
