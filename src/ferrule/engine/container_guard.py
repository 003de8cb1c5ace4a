"""A process that removes containers when its parent is gone, however that ended: an engine does not notice.

A JSON object on stdin says which: `{"parent": N, "engine": "docker", "container": "…"}`. Those that share the
container's network go with it. A parent that is done removes them itself, and says so.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ferrule.engine.syscalls import die_with_parent
from ferrule.errors import EngineError
from ferrule.process import Command, SystemRunner

DIED, DONE = signal.SIGTERM, signal.SIGHUP
"""Two signals, as the number of a parent that has just died may still be that of one of its threads."""


@contextmanager
def guarded(engine: str, container: str) -> Iterator[None]:
    """While the block lasts, the container does not outlive us."""
    said = {"parent": os.getpid(), "engine": engine, "container": container}
    command = Command(argv=(sys.executable, "-m", __name__), stdin=json.dumps(said).encode())
    with Path(os.devnull).open("r+b") as nowhere:
        guard = SystemRunner().attached(command, stdout=nowhere, stderr=nowhere)
    try:
        yield
    finally:
        guard.signal(DONE)
        guard.wait()


def main() -> None:
    """Wait for the parent's word, or for its end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {DIED, DONE, signal.SIGINT})
    said = json.loads(sys.stdin.buffer.read())
    die_with_parent(DIED)
    if os.getppid() != said["parent"] or signal.sigwait({DIED, DONE}) == DIED:
        with suppress(EngineError):
            _remove(said["engine"], said["container"])


def _remove(engine: str, container: str) -> None:
    if engine == "docker":
        from ferrule.engine.docker import find_docker

        find_docker().remove(container)
    else:
        from ferrule.engine.podman_call import podman

        podman(SystemRunner(), "rm", "--force", "--depend", "--time", "0", "--volumes", container)


if __name__ == "__main__":
    main()
