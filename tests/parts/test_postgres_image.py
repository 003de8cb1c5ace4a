"""The image that stands for `postgres`: it obeys its variables and arguments on both engines."""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferrule.errors import FerruleError
from tests.parts.docker import docker_engine
from tests.parts.podman import podman_engine
from tests.parts.postgres_image import NAME, load_postgres

pytestmark = pytest.mark.real
SECONDS = 300

Call = Callable[..., str]


@pytest.fixture(params=["docker", "podman"])
def call(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Call]:
    """The engine's own client."""
    if request.param == "docker":
        with docker_engine(tmp_path / "engine") as docker:
            load_postgres("docker", docker.env)
            yield docker.docker
    else:
        with podman_engine(tmp_path / "engine") as podman:
            load_postgres("podman", podman.env)
            yield podman.podman


def test_it_makes_the_user_and_database_that_it_is_told_and_listens_where_it_is_told(call: Call) -> None:
    password = secrets.token_hex(8)
    said = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": password, "POSTGRES_DB": "orders", "PGPORT": "5499"}
    variables = [word for name, value in said.items() for word in ("-e", f"{name}={value}")]
    words = ("postgres", "-c", "listen_addresses=127.0.0.1")
    call("run", "-d", "--name", "db", "--network", "none", *variables, NAME, *words)
    ask = ("exec", "db", "psql", "--no-psqlrc", "-tA", "-c", "select current_user, current_database()")
    wait_until_ready(call, "5499")
    assert call(*ask, f"postgres://shop:{password}@127.0.0.1:5499/orders").strip() == "shop|orders"
    with pytest.raises(FerruleError, match="password authentication failed"):
        call(*ask, "postgres://shop:wrong@127.0.0.1:5499/orders")
    tables = call("exec", "db", "cat", "/proc/net/tcp", "/proc/net/tcp6")
    assert [line.split()[1] for line in tables.splitlines() if " 0A " in line] == ["0100007F:157B"]
    with pytest.raises(FerruleError, match="superuser password is not specified"):
        call("run", "--network", "none", NAME)
    call("stop", "db")
    assert call("inspect", "--format", "{{.State.ExitCode}}", "db").strip() == "0"


def wait_until_ready(call: Call, port: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            call("exec", "db", "pg_isready", "-h", "127.0.0.1", "-p", port)
        except FerruleError as error:
            gone = "not running" in error.message or time.monotonic() > deadline
            assert not gone, f"{error.message}\n{call('logs', 'db')}"
            time.sleep(0.1)
        else:
            return
