"""Where ferrule's own time goes: the parts of a build with nothing changed, each measured alone."""

import hashlib
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.peers import FERRULE, timed
from benchmarks.rounds import medians

BUILD = "ferrule.cli.build, ferrule.verbs.context, ferrule.verbs.build, ferrule.verbs.prepare"
AFTER = f"{BUILD}, ferrule.cli.render, ferrule.verbs.image, ferrule.registry.push, httpx2"


def anatomy(project: Path, program: Path, env: Mapping[str, str]) -> None:
    """Print medians in milliseconds. The parts overlap in a build, so they do not add up to it."""

    def python(code: str) -> Callable[[], float]:
        return lambda: timed((sys.executable, "-c", code), env)

    metadata = ("cargo", "metadata", "--no-deps", "--format-version", "1")
    parts = {
        "Python starts and ends": python("pass"),
        "… and imports click": python("import click"),
        "… and reads the flags (build --help)": lambda: timed((FERRULE, "build", "--help"), env),
        "… and imports what is needed before cargo": python(f"import {BUILD}"),
        "… and after it": python(f"import {AFTER}"),
        "cargo metadata": lambda: timed(metadata, env, cwd=project),
        "rustc -vV (once for a toolchain)": lambda: timed(("rustc", "-vV"), env, cwd=project),
        "rustc --print sysroot (the same)": lambda: timed(("rustc", "--print", "sysroot"), env, cwd=project),
        f"SHA-256 of the program ({program.stat().st_size:,} bytes)": lambda: _hashed(program),
    }
    print("  where it goes, each alone:")
    for name, taken in medians(parts).items():
        print(f"    {name:<48} {taken:>8.1f} ms")


def _hashed(program: Path) -> float:
    started = time.perf_counter()
    with program.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")
    return (time.perf_counter() - started) * 1000
