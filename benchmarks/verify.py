"""`ferrule verify` of the example, beside what a person types: `docker run`, a loop of curl, `docker stop`.

All have the same image, the same Postgres, this machine's network and a read-only root. Docker's client is
that of the daemon's own version; the loop asks again every ten milliseconds. `docker rm` is not timed.
ferrule's boot is from before the image is unpacked to the first healthy answer of the image's own check, and
Docker's from before its client starts to curl's first healthy answer.
"""

import compileall
import json
import os
import subprocess  # noqa: TID251 - whole processes are measured
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import ferrule
from benchmarks.peers import FERRULE, timed
from benchmarks.rounds import ROUNDS, judge
from tests.journey.ferrule import SHOP, flags, shop_variables, tool
from tests.parts.docker import DockerEngine, docker_engine
from tests.parts.postgres import postgres

IMAGE = "shop:bench"
PORT = 3000
"""The one that the image declares."""

DEBIAN = "/usr/bin"
"""Where dockerd's own client is; another one may come before it in PATH."""

ASK = 'until curl -fs -o "$1" "$0"; do sleep 0.01; done'
DOCKER, SANDBOX = "docker run, curl, docker stop", "ferrule verify IMAGE"
PROJECT, IN_DOCKER = "ferrule verify PROJECT", "ferrule verify IMAGE --engine docker"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """The image in a layout and in a running Docker. `boots` are milliseconds to the first healthy answer."""

    layout: Path
    docker: DockerEngine
    variables: dict[str, str]
    env: dict[str, str]
    boots: dict[str, list[float]] = field(default_factory=dict)

    def by_hand(self) -> float:
        """What Docker's users type; milliseconds from the first word to the end of `docker stop`."""
        run = ("run", "-d", "--name", "shop", "--read-only", "--network", "host", *flags(self.variables))
        health = f"http://127.0.0.1:{PORT}/health"
        started = time.perf_counter()
        self._docker(*run, IMAGE)
        subprocess.run(("sh", "-c", ASK, health, os.devnull), check=True)
        self._healthy(DOCKER, (time.perf_counter() - started) * 1000)
        self._docker("stop", "shop")
        taken = (time.perf_counter() - started) * 1000
        self._docker("rm", "shop")
        return taken

    def verify(self, name: str, what: str | Path, *words: str) -> float:
        """The installed script, from its start to its end; the verdict must be good."""
        asked = ("--network", "host", "--json", *words, *flags(self.variables))
        started = time.perf_counter()
        said = tool(FERRULE, "verify", what, *asked, env=self.env)
        taken = (time.perf_counter() - started) * 1000
        verdict = json.loads(said)
        if not verdict["ok"]:
            raise SystemExit(f"{name} finds fault with the example:\n{said}")
        self._healthy(name, verdict["checks"][0]["seconds"] * 1000)
        return taken

    def _docker(self, *words: str) -> None:
        timed(("docker", *words), self.env)

    def _healthy(self, name: str, milliseconds: float) -> None:
        self.boots.setdefault(name, []).append(milliseconds)


def run() -> None:
    """Start Docker and a Postgres, build the image once, and let all take turns."""
    compileall.compile_dir(str(Path(ferrule.__file__).parent), quiet=1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferrule-bench-")))
        docker = stack.enter_context(docker_engine(folder / "docker"))
        variables = shop_variables(stack.enter_context(postgres(folder / "postgres")), PORT)
        path = f"{DEBIAN}:{docker.path}"
        env = {**os.environ, **docker.env, "PATH": path, "FERRULE_CACHE_DIR": str(folder / "cache")}
        layout, archive = folder / "layout", folder / "shop.tar"
        outputs = ("-o", f"oci:{layout}:bench", "-o", f"docker-archive:{archive}")
        name, tag = IMAGE.split(":")
        tool(FERRULE, "build", SHOP, "--locked", "--image", name, "--tag", tag, *outputs, env=env)
        docker.docker("load", "-i", str(archive))
        _measure(Bench(layout=layout, docker=docker, variables=variables, env=env))


def _measure(bench: Bench) -> None:
    image = f"oci:{bench.layout}:bench"
    measures: dict[str, Callable[[], float]] = {
        DOCKER: bench.by_hand,
        SANDBOX: lambda: bench.verify(SANDBOX, image, "--engine", "sandbox"),
        PROJECT: lambda: bench.verify(PROJECT, SHOP, "--engine", "sandbox", "--locked"),
        IN_DOCKER: lambda: bench.verify(IN_DOCKER, image, "--engine", "docker"),
    }
    for measure in measures.values():
        measure()
    bench.boots.clear()
    rounds = [{name: measure() for name, measure in measures.items()} for _ in range(ROUNDS)]
    found = {name: median(each[name] for each in rounds) for name in measures}
    boots = {name: median(each) for name, each in bench.boots.items()}
    print(f"\nverify of the example (median of {ROUNDS} interleaved rounds)")
    for name, taken in found.items():
        print(f"  {name:<38} {taken:>8.1f} ms, healthy after {boots[name]:>7.1f} ms")
    judge(DOCKER, found[SANDBOX], found[DOCKER], target=1.5)
    judge("to the first healthy answer", boots[SANDBOX], boots[DOCKER], target=0.5)
