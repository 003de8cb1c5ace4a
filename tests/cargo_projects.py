"""Small Cargo projects that tests write and build for real, and the plans to build them."""

from collections.abc import Mapping
from pathlib import Path

from ferrule.cargo.plan import CargoOptions
from ferrule.process import Runner, SystemRunner
from ferrule.tables import Source, Table
from ferrule.verbs.context import Context
from ferrule.verbs.prepare import Prepared, ProjectRequest, prepare
from tests.fakes.report import Notes

HELLO = 'fn main() { println!("hello"); }\n'


def manifest(name: str = "hello", extra: str = "", *, edition: str = "2021") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "{edition}"\n{extra}'


def write_project(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """A project of one binary unless the files say otherwise."""
    return write_files(folder, {"Cargo.toml": manifest(), "src/main.rs": HELLO, **(files or {})})


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Write texts under their names, with the folders that they need."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def context_of(folder: Path, runner: Runner | None = None) -> Context:
    from ferrule.config import UserConfig

    runner = runner or SystemRunner()
    return Context(runner=runner, report=Notes(), cache=folder / "cache", trust=UserConfig())


def request_for(
    place: Path, *, flags: Table | None = None, cargo: CargoOptions | None = None
) -> ProjectRequest:
    return ProjectRequest(
        place=place, cargo=cargo or CargoOptions(), flags=Source(table=flags or Table(), origin="flags")
    )


def prepared(place: Path, *, flags: Table | None = None, cargo: CargoOptions | None = None) -> Prepared:
    return prepare(context_of(place), request_for(place, flags=flags, cargo=cargo))
