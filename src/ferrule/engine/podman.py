"""Loads images into Podman, which has no daemon: its own program takes the archive."""

import shutil
from pathlib import Path

from ferrule.errors import EngineError
from ferrule.process import Command, ProgramMissingError, Runner, SystemRunner

LOADED = "Loaded image: "


def has_podman() -> bool:
    """Whether the program is on PATH."""
    return shutil.which("podman") is not None


class Podman:
    """Podman of this machine and this user."""

    name = "podman"

    def __init__(self, runner: Runner | None = None) -> None:
        self._runner = runner or SystemRunner()

    def load(self, archive: Path) -> tuple[str, ...]:
        """Load a docker archive; returns the names that podman gave it."""
        command = Command(argv=("podman", "load", "--quiet", "--input", str(archive)))
        try:
            finished = self._runner.run(command)
        except ProgramMissingError as error:
            raise EngineError("podman is not installed", hint="install it, or use --engine docker") from error
        if not finished.ok:
            said = finished.stderr.decode(errors="replace").strip().splitlines() or ["it does not say why"]
            raise EngineError(f"podman does not take the image: {said[-1]}")
        lines = finished.stdout.decode(errors="replace").splitlines()
        return tuple(line.removeprefix(LOADED).strip() for line in lines if line.startswith(LOADED))
