"""How Podman is called: the words behind `podman` go in, what it said comes out."""

import json
from pathlib import Path
from typing import Any

from ferrule.errors import EngineError
from ferrule.process import Command, Finished, ProgramMissingError, Runner

NOT_INSTALLED = ("podman is not installed", "install it, or choose another --engine")


def podman(
    runner: Runner,
    *words: str,
    env: dict[str, str] | None = None,
    stdin: bytes = b"",
    cwd: Path | None = None,
) -> Finished:
    """Run it to its end, with `env` added to our environment. Raises `EngineError` where it is missing."""
    try:
        return runner.run(Command(argv=("podman", *words), env=env or {}, stdin=stdin, cwd=cwd))
    except ProgramMissingError as error:
        message, hint = NOT_INSTALLED
        raise EngineError(message, hint=hint) from error


def podman_json(runner: Runner, *words: str) -> Any:
    """What it says in JSON; None where it fails, or says something else."""
    finished = podman(runner, *words)
    try:
        return json.loads(finished.stdout) if finished.ok else None
    except (ValueError, RecursionError):
        return None


def said(finished: Finished) -> str:
    """Its last line about a failure, without its own mark."""
    lines = finished.stderr.decode(errors="replace").strip().splitlines() or ["it does not say why"]
    return lines[-1].removeprefix("Error: ")


def remove_container(runner: Runner, container: str) -> None:
    """Remove a container, running or not, with its volumes; nothing happens when there is none."""
    podman(runner, "rm", "--force", "--ignore", "--time", "0", "--volumes", container)
