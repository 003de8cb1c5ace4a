"""`ferrule[zig]` for tests, as users install it: a Python with our dependencies, cargo-zigbuild and zig.

Installed once into the project's cache, from versions with hashes. What zig compiles of its C libraries,
half a minute to minutes for each target, is kept there too.
"""

import hashlib
import os
import shutil
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
from pathlib import Path

from ferrule.process import Command, SystemRunner
from tests.parts.debian import CACHE, locked
from tests.parts.need import need

ROOT = Path(__file__).resolve().parents[2]
PINNED = ROOT / "requirements" / "zig.txt"
QUIET = ("-m", "pip", "--quiet", "--disable-pip-version-check")


def need_zig() -> Path:
    """The Python that has it, its folder named by what is pinned."""
    place = CACHE / "zig" / hashlib.sha256(PINNED.read_bytes()).hexdigest()[:16]
    python = place / "bin" / "python"
    with locked("zig"):
        if not (place / "done").exists():
            need(_install(place, python), "cargo-zigbuild and zig (pip install 'ferrule[zig]')")
            (place / "done").touch()
    return python


def ferrule_with_zig(
    *arguments: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command line of this working tree with it; the caller looks at the exit code."""
    own = {
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig" / "compiled"),
        "CARGO_ZIGBUILD_CACHE_DIR": str(CACHE / "zig" / "wrappers"),
    }
    argv = (str(need_zig()), "-m", "ferrule", *map(str, arguments))
    return subprocess.run(argv, env={**os.environ, **own, **(env or {})}, capture_output=True, text=True)


def _install(place: Path, python: Path) -> bool:
    """Scripts in a virtual environment name its own folder, so it is made where it stays."""
    shutil.rmtree(place, ignore_errors=True)
    commands = (
        (sys.executable, "-m", "venv", str(place)),
        (str(python), *QUIET, "install", "--require-hashes", "-r", str(PINNED)),
    )
    return all(SystemRunner().run(Command(argv=argv)).ok for argv in commands)
