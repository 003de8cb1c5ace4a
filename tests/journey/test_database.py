"""The example gets the Postgres that its Cargo.toml names, wherever it is run or verified."""

import json
import os
import re
import signal
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.journey.ferrule import SHOP, flags, free_port, health
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine
from tests.parts.postgres_image import load_postgres

pytestmark = pytest.mark.real
FERRULE = (sys.executable, "-m", "ferrule")
PATIENCE_SECONDS = 300.0
STARTED = re.compile(r"^database: Postgres [0-9.]+ (?:embedded|in postgres:16), url in APP_DATABASE_URL$")
ALL = ("sandbox", "docker", "podman")

Environment = dict[str, str]


@pytest.fixture(scope="module")
def engines(docker: DockerEngine, podman: PodmanEngine) -> Environment:
    """Docker and Podman that have the image of the database."""
    load_postgres("docker", docker.env)
    load_postgres("podman", podman.env)
    return {**os.environ, **podman.env, **docker.env}


@pytest.fixture
def left(docker: DockerEngine, podman: PodmanEngine, tmp_path: Path) -> Callable[[], list[str]]:
    """What is left of containers, and in `tmp_path` of sandboxes and their databases."""
    return lambda: [
        *docker.docker("ps", "-aq").split(),
        *podman.podman("ps", "-aq").split(),
        *(path.name for path in tmp_path.glob("ferrule-[dr]*-*")),
    ]


def call(environment: Environment, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*FERRULE, *words), env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("engine", ALL)
def test_the_example_is_fit_to_run_with_no_database_made_by_hand(
    engine: str, engines: Environment, left: Callable[[], list[str]], tmp_path: Path
) -> None:
    environment = {**engines, "TMPDIR": str(tmp_path)}
    finished = call(environment, "verify", str(SHOP), "--engine", engine, "--wait-timeout", "120", "--json")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = json.loads(finished.stdout)
    assert [check["name"] for check in found["checks"]] == [
        *("migrate", "health", "version", "ports", "memory", "stop")
    ]
    assert all(check["ok"] for check in found["checks"])
    assert found["checks"][3]["listens"] == ["0.0.0.0:3000"]
    assert len([line for line in finished.stderr.splitlines() if STARTED.fullmatch(line)]) == 1
    assert "postgres://" not in finished.stdout + finished.stderr
    assert left() == []


@contextmanager
def running(environment: Environment, engine: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`ferrule run` of the example, once it is healthy; what it says is in `folder`."""
    port = free_port()
    own = flags({"APP_PORT": str(port), "APP_AUTH_JWT_SECRET": "of-the-test"})
    argv = (*FERRULE, "run", str(SHOP), "--engine", engine, "--network", "host", "--wait", *own)
    log = folder / "said"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            argv, env={**environment, "TMPDIR": str(folder)}, stdout=file, stderr=file
        ) as process,
    ):
        try:
            # Before it says so, a signal is for itself.
            while "healthy after" not in log.read_text():
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            assert health(port)["status"] == "ok", log.read_text()
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    "engine", ["sandbox", *(pytest.param(name, marks=pytest.mark.acceptance) for name in ALL[1:])]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_database_of_a_run_ends_with_it(
    number: int, engine: str, engines: Environment, left: Callable[[], list[str]], tmp_path: Path
) -> None:
    with running(engines, engine, tmp_path) as process:
        passwords = passwords_in("APP_DATABASE_URL")
        assert passwords
        assert not [words for words in processes("cmdline") if any(each in words for each in passwords)]
        process.send_signal(number)
        assert process.wait() == (0 if number == signal.SIGINT else -number)
    lines = (tmp_path / "said").read_text().splitlines()
    assert len([line for line in lines if STARTED.fullmatch(line)]) == 1
    assert len([line for line in lines if line.startswith("the migration ended after")]) == 1
    assert len([line for line in lines if "the database is up to date" in line]) == 1
    deadline = time.monotonic() + PATIENCE_SECONDS
    while remains := left():
        assert time.monotonic() < deadline, remains
        time.sleep(0.1)


def passwords_in(variable: str) -> set[bytes]:
    """In the environment of the program, and of those of other tests that run meanwhile."""
    form = re.compile(rb"(?:^|\0)%s=postgres://postgres:([0-9a-f]{32})@127\.0\.0\.1:" % variable.encode())
    return {match[1] for data in processes("environ") if (match := form.search(data))}


def processes(file: str) -> Iterator[bytes]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield (process / file).read_bytes()


def test_whoever_has_a_database_gets_no_other(engines: Environment, database: str) -> None:
    words = ("run", str(SHOP), "--engine", "sandbox", "-e", f"APP_DATABASE_URL={database}", "--", "migrate")
    finished = call(engines, *words)
    assert finished.returncode == 0, finished.stderr
    assert "database: Postgres" not in finished.stderr
    assert finished.stderr.count("the database is up to date") == 1


def test_a_run_that_is_left_alone_takes_a_database_of_one_s_own(engines: Environment) -> None:
    finished = call(engines, "run", str(SHOP), "--engine", "sandbox", "--detach")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "--detach leaves no database running, and the project needs Postgres 16" in finished.stderr
    assert "hint: give a database of yours: -e APP_DATABASE_URL=…; or --no-database" in finished.stderr
