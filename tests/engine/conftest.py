"""The engines that the tests run on, and the program that they run."""

from pathlib import Path

import pytest

from ferrule.engine.docker import Docker
from ferrule.engine.docker_address import parse_address
from ferrule.engine.docker_http import DockerHttp
from ferrule.engine.podman import Podman
from ferrule.engine.sandbox import Sandbox
from tests.engine.bench import Bench, compile_program
from tests.parts.aids import compiled_aids
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """tests/engine/program.c as a static binary."""
    return compile_program(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="session")
def aids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """ferrule's probe and init."""
    return compiled_aids(tmp_path_factory.mktemp("aids"))


@pytest.fixture
def docker(daemon: DockerEngine) -> Docker:
    http = DockerHttp(parse_address(daemon.env["DOCKER_HOST"]))
    http.connect()
    return Docker(http)


@pytest.fixture
def podman(podman_here: PodmanEngine, monkeypatch: pytest.MonkeyPatch) -> Podman:
    """Podman as this process and whatever it starts see it during one test."""
    for name, value in podman_here.env.items():
        monkeypatch.setenv(name, value)
    return Podman()


@pytest.fixture
def sandbox_bench(tmp_path: Path, program: bytes) -> Bench:
    roots = tmp_path / "roots"
    roots.mkdir()
    return Bench(engine=Sandbox(folder=roots, state=tmp_path / "state"), folder=tmp_path, program=program)


ENGINES = (
    "sandbox",
    pytest.param("docker", marks=pytest.mark.real),
    pytest.param("podman", marks=pytest.mark.real),
)


@pytest.fixture(params=ENGINES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, program: bytes) -> Bench:
    """One engine after the other: what a test says of this holds for all."""
    if request.param == "sandbox":
        made: Bench = request.getfixturevalue("sandbox_bench")
        return made
    return Bench(engine=request.getfixturevalue(request.param), folder=tmp_path, program=program)
