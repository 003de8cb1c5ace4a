"""Twenty programs of one workspace by `ferrule build --all`: what is compiled, and ferrule over cargo.

ferrule's figure is the wall time of the whole call less that of the very same calls of cargo, which run alone
in each round, one after the other, with nothing changed. It is judged per image.
"""

import compileall
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import ferrule
from benchmarks.peers import FERRULE, timed
from benchmarks.rounds import ROUNDS, judge
from ferrule.cargo.plan import CargoOptions
from ferrule.config import UserConfig
from ferrule.process import Command, Runner, SystemRunner
from ferrule.report import Terminal
from ferrule.tables import Source, Table
from ferrule.verbs.build_all import build_images
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.prepare import ProjectRequest, prepare_all
from tests.cargo.counting import Counting
from tests.cargo_projects import manifest, write_files
from tests.parts.registry import open_registry

PROGRAMS = 20
MOST_MS = 50.0
"""Of an image."""

CARGO, LAYOUT, PUSH = "cargo alone", "ferrule build --all", "ferrule build --all --push"
SHARED = """[dependencies]
serde = { version = "1", features = ["derive"] }
serde_json = "1"
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "time"] }
"""
LIBRARY = """use serde::Serialize;

#[derive(Serialize)]
pub struct Said {
    pub name: &'static str,
}

pub fn serve(name: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        println!("{}", serde_json::to_string(&Said { name }).unwrap());
    });
}
"""


def run() -> None:
    """Build everything once and count, then let cargo and ferrule take turns."""
    compileall.compile_dir(str(Path(ferrule.__file__).parent), quiet=1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferrule-bench-")))
        project = workspace(folder / "workspace")
        _compile_once(folder, project)
        registry = stack.enter_context(open_registry(folder / "registry")).host
        env = {**os.environ, "FERRULE_CACHE_DIR": str(folder / "cache")}
        build = (FERRULE, "build", project, "--locked", "--all")
        measures: dict[str, Callable[[], float]] = {
            CARGO: _cargo(folder, project, env),
            LAYOUT: lambda: timed(build, env),
            PUSH: lambda: timed((*build, "--push", "--image", f"{registry}/{{bin}}"), env),
        }
        for measure in measures.values():
            measure()
        rounds = [{name: measure() for name, measure in measures.items()} for _ in range(ROUNDS)]
    print(f"\n{PROGRAMS} programs, nothing changed (median of {ROUNDS} interleaved rounds)")
    for name in measures:
        print(f"  {name:<26} {median(each[name] for each in rounds):>9.1f} ms")
    for name in (LAYOUT, PUSH):
        over = median(each[name] - each[CARGO] for each in rounds) / PROGRAMS
        print(f"  {name:<26} {over:>9.1f} ms an image over cargo")
        judge(f"{MOST_MS:.0f} ms an image", over, MOST_MS, target=1.0)


def workspace(folder: Path) -> Path:
    """Packages `p00` … with a program each, over a library of the workspace and crates of the registry."""
    names = [f"p{number:02}" for number in range(PROGRAMS)]
    members = ", ".join(f'"{name}"' for name in ("common", *names))
    uses = '[dependencies]\ncommon = { path = "../common" }\n'
    files = {
        "Cargo.toml": f'[workspace]\nresolver = "3"\nmembers = [{members}]\n',
        "common/Cargo.toml": manifest("common", SHARED, edition="2024"),
        "common/src/lib.rs": LIBRARY,
    }
    for name in names:
        files[f"{name}/Cargo.toml"] = manifest(name, uses, edition="2024")
        files[f"{name}/src/main.rs"] = f'fn main() {{\n    common::serve("{name}");\n}}\n'
    return write_files(folder, files)


def _compile_once(folder: Path, project: Path) -> None:
    """The first build, in an empty target folder: cargo's messages say what it compiled, and how often."""
    runner = Counting()
    build_images(_context(folder, runner), _request(project, locked=False), (), Destinations())
    again = {name: count for name, count in runner.compiled.items() if count > 1 and name != BUILD_SCRIPT}
    print(f"\n{PROGRAMS} programs: cargo compiled {len(runner.compiled)} targets")
    verdict = "met" if not again and runner.compiled["tokio"] == 1 else f"NOT MET: {again}"
    print(f"  each of them once: {verdict}")


BUILD_SCRIPT = "build-script-build"
"""What the build scripts of all crates are called."""


def _cargo(folder: Path, project: Path, env: dict[str, str]) -> Callable[[], float]:
    """The calls of cargo that ferrule makes, alone."""
    prepared = prepare_all(_context(folder, SystemRunner()), _request(project, locked=True))
    commands = [each.plan.command(static=True, colour=False) for each in prepared]
    return lambda: sum(_timed(command, env) for command in commands)


def _timed(command: Command, env: dict[str, str]) -> float:
    added = {name: value for name, value in command.env.items() if value is not None}
    return timed(command.argv, {**env, **added}, cwd=command.cwd)


def _context(folder: Path, runner: Runner) -> Context:
    return Context(runner=runner, report=Terminal(), cache=folder / "cache", trust=UserConfig())


def _request(project: Path, *, locked: bool) -> ProjectRequest:
    flags = Source(table=Table(), origin="flags")
    return ProjectRequest(place=project, cargo=CargoOptions(locked=locked), flags=flags)
