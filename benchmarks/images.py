"""What ferrule costs over cargo, beside crane and podman: nothing changed, one line changed, 100 MB packed.

ferrule's figure is the wall time of `ferrule build --push` less that of the very same call of cargo, which
runs alone in each round. A changed source is compiled by that call before the round's clock starts: seconds
of rustc would drown what is measured. ferrule and crane push to a registry each of this machine; podman only
builds. crane's tar is made before its clock starts. Caches are as the rounds before left them, for all alike,
and what is new in a round is new to every tool.
"""

import compileall
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import ferrule
from benchmarks.anatomy import anatomy
from benchmarks.peers import Peers, timed
from benchmarks.programs import change, large_program, renew
from benchmarks.rounds import ROUNDS, judge
from ferrule.cargo.plan import CargoOptions
from ferrule.config import UserConfig
from ferrule.process import SystemRunner
from ferrule.report import Terminal
from ferrule.tables import Source, Table
from ferrule.verbs.context import Context
from ferrule.verbs.prepare import ProjectRequest, prepare
from tests.journey.ferrule import SHOP
from tests.parts.podman import podman_engine
from tests.parts.registry import open_registry

CARGO, FERRULE, CRANE, PODMAN = "cargo alone", "ferrule build --push", "crane append + mutate", "podman build"
PACKAGE = Path(ferrule.__file__).parent
Measures = Mapping[str, Callable[[], float]]


def run() -> None:
    """Everything, with registries, storages and caches that nothing has used before."""
    compileall.compile_dir(str(PACKAGE), quiet=1)  # as pip does it for users, whatever the variables here
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferrule-bench-")))
        podman = stack.enter_context(podman_engine(folder / "podman"))
        peers = Peers(
            folder=folder,
            env={**os.environ, **podman.env, "FERRULE_CACHE_DIR": str(folder / "cache")},
            ferrule_registry=stack.enter_context(open_registry(folder / "for-ferrule")).host,
            crane_registry=stack.enter_context(open_registry(folder / "for-crane")).host,
        )
        _builds(peers)
        _pack(peers)


def _builds(peers: Peers) -> None:
    project = peers.folder / "shop"
    shutil.copytree(SHOP, project, ignore=shutil.ignore_patterns("target"))
    build = ("build", project, "--locked", "--push", "--image", f"{peers.ferrule_registry}/shop")
    built = peers.built(*build)["images"][0]
    program = Path(built["binary"])
    measures = {
        CARGO: _cargo(peers, project, static=built["link"]["mode"] == "static"),
        FERRULE: lambda: peers.ferrule(*build),
        CRANE: peers.append_and_mutate,
        PODMAN: peers.podman,
    }
    peers.offer(program)
    _round(measures)
    unchanged = [_round(measures) for _ in range(ROUNDS)]
    _show("nothing changed", unchanged, crane=1.0, podman=0.6)
    anatomy(project, program, peers.env)
    changed = []
    for number in range(ROUNDS):
        change(project / "src" / "main.rs", number)
        measures[CARGO]()
        peers.offer(program)
        changed.append(_round(measures))
    _show("one line changed", changed, crane=1.5, podman=0.9)
    own = peers.built(*build)["images"][0]["layers"][-1]["size"]
    for name, size in peers.layer_sizes().items():
        judge(f"{name}'s layer ({own:,} of {size:,} bytes)", own, size, target=1.0)


def _pack(peers: Peers) -> None:
    program = large_program(peers.folder)
    pack = ("pack", program, "--push", "--image", f"{peers.ferrule_registry}/large")
    measures = {"ferrule pack --push": lambda: peers.ferrule(*pack), "crane append": peers.append}
    rounds = []
    for number in range(ROUNDS):
        renew(program, number)
        peers.offer(program)
        rounds.append(_round(measures))
    found = _medians(rounds)
    _title(f"pack of {program.stat().st_size:,} bytes", found)
    judge("crane append", found["ferrule pack --push"], found["crane append"], target=0.85)


def _cargo(peers: Peers, project: Path, *, static: bool) -> Callable[[], float]:
    """The call of cargo that ferrule makes for the project, alone."""
    context = Context(runner=SystemRunner(), report=Terminal(), cache=peers.folder, trust=UserConfig())
    flags = Source(table=Table(), origin="flags")
    request = ProjectRequest(place=project, cargo=CargoOptions(locked=True), flags=flags)
    command = prepare(context, request).plan.command(static=static, colour=False)
    added = {name: value for name, value in command.env.items() if value is not None}
    return lambda: timed(command.argv, {**peers.env, **added}, cwd=command.cwd)


def _round(measures: Measures) -> dict[str, float]:
    return {name: measure() for name, measure in measures.items()}


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(found[name] for found in rounds) for name in rounds[0]}


def _show(title: str, rounds: list[dict[str, float]], *, crane: float, podman: float) -> None:
    found = _medians(rounds)
    _title(title, found)
    over = median(each[FERRULE] - each[CARGO] for each in rounds)
    print(f"  {'ferrule over cargo':<26} {over:>9.1f} ms")
    judge(CRANE, over, found[CRANE], target=crane)
    judge(PODMAN, over, found[PODMAN], target=podman)


def _title(title: str, found: Mapping[str, float]) -> None:
    print(f"\n{title} (median of {ROUNDS} interleaved rounds)")
    for name, taken in found.items():
        print(f"  {name:<26} {taken:>9.1f} ms")
