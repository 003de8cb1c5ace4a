"""Builds that fail for real: a project goes in, ferrule's error comes out; what they compile is shared."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ferrule.cargo.build import build
from ferrule.cargo.plan import CargoOptions
from ferrule.errors import FerruleError
from ferrule.process import Command, SystemRunner
from tests.cargo_projects import manifest, prepared, write_project
from tests.fakes.report import Notes

NEEDED = ("ar", "as", "cc", "gcc", "ld", "ranlib")
"""Programs of this machine that any build may start."""


def error_of(
    place: Path,
    files: Mapping[str, str] | None = None,
    *,
    features: tuple[str, ...] = (),
    locked: bool = False,
) -> tuple[str, str]:
    """Write the project, build it, and return the error's message and hint."""
    write_project(place, files)
    with pytest.raises(FerruleError) as caught:
        _build(place, CargoOptions(features=features, locked=locked))
    return caught.value.message, caught.value.hint


def _build(place: Path, options: CargoOptions) -> None:
    build(SystemRunner(), Notes(), prepared(place, cargo=options).plan, link="auto", colour=False)


def script(path: Path, text: str) -> Path:
    """A program of a few lines of shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def shared_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("target")


@pytest.fixture
def without(tmp_path: Path, shared_target: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Hides every program but cargo, a C compiler and its like; returns the folder that is PATH then."""

    def hide(*names: str, keep: tuple[str, ...] = ()) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        sysroot = SystemRunner().run(Command(argv=("rustc", "--print", "sysroot"))).stdout.decode().strip()
        for program in ("cargo", "rustc"):
            (folder / program).symlink_to(Path(sysroot) / "bin" / program)
        for program in {*NEEDED, *keep} - set(names):
            if found := shutil.which(program):
                (folder / program).symlink_to(Path(found).resolve())
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setenv("CARGO_TARGET_DIR", str(shared_target))
        return folder

    return hide


def build_script(dependencies: str, body: str) -> dict[str, str]:
    """A project whose build script does that."""
    return {
        "Cargo.toml": manifest(extra=f"[build-dependencies]\n{dependencies}\n"),
        "build.rs": f"fn main() {{ {body} }}\n",
    }
