"""A process that runs an image as `ferrule run` does, which tests send signals, or start as another user.

`python -m tests.engine.run_here ENGINE LAYOUT FOLDER NAME ARG…`; MOUNT in the environment is a mount, and
STARTED a file that it makes as soon as a signal to it is one for the program.
"""

import os
import sys
from pathlib import Path

from ferrule.engine.choose import choose
from ferrule.engine.engine import RunRequest, attended
from ferrule.engine.mount import parse_mount
from ferrule.engine.sandbox import Sandbox
from ferrule.errors import FerruleError
from ferrule.image.layout import read_layout
from tests.fakes.images import AMD64


def main(engine: str, layout: str, folder: str, name: str, *args: str) -> int:
    image = read_layout(Path(layout), "latest", AMD64)
    mounts = (parse_mount(os.environ["MOUNT"]),) if os.environ.get("MOUNT") else ()
    request = RunRequest(name=name, image=image, args=args, mounts=mounts, network="host")
    chosen = Sandbox(folder=Path(folder), warn=_warn) if engine == "sandbox" else choose(engine).engine
    try:
        with attended(chosen, request, stdout=sys.stdout.buffer, stderr=sys.stderr.buffer) as running:
            if os.environ.get("STARTED"):
                Path(os.environ["STARTED"]).touch()
            return running.wait()
    except FerruleError as error:
        print(f"{type(error).__name__}: {error}\nhint: {error.hint}", file=sys.stderr)
        return 125


def _warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
