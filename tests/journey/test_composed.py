"""The generated `compose.yaml` starts the example beside a real Postgres, and leaves nothing behind.

The engine is Docker 28.5 with bridges and published ports of its own; Postgres is Debian's, in an image that
stands for the official one (tests/parts/postgres_image.py).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferrule.errors import FerruleError
from tests.generate.judge_compose import filled
from tests.journey.conftest import ShopImage
from tests.journey.ferrule import SHOP, ferrule
from tests.parts.debian import run
from tests.parts.docker import DockerEngine
from tests.parts.judges import judge
from tests.parts.postgres_image import load_postgres

pytestmark = pytest.mark.real

DONE = "select string_agg(version || ' ' || success || ' ' || installed_on, ',') from _sqlx_migrations"


@pytest.fixture
def folder(
    tmp_path: Path, shop_images: dict[str, ShopImage], networking_docker: DockerEngine
) -> Iterator[Path]:
    """The generated files with a filled-in .env, the images in the engine; nothing is started yet."""
    networking_docker.docker("load", "-i", str(shop_images["scratch"].archive))
    load_postgres("docker", networking_docker.env, "postgres:16")
    where = ("--project", str(SHOP), "--output", str(tmp_path))
    ferrule("generate", "compose", *where, "--image", "shop:scratch")
    (tmp_path / ".env").write_text(filled(tmp_path))
    try:
        yield tmp_path
    finally:
        down(networking_docker, tmp_path)


def down(engine: DockerEngine, folder: Path) -> None:
    composed(engine, folder, "down", "--volumes", "--timeout", "5")


def composed(engine: DockerEngine, folder: Path, *argv: str) -> str:
    return run(str(judge("docker-compose")), *argv, cwd=folder, env=engine.env)


def ask_database(engine: DockerEngine, question: str) -> str:
    psql = ("psql", "--username", "shop", "--no-align", "--tuples-only", "--command", question)
    return engine.docker("exec", "shop-database-1", *psql).strip()


def test_up_waits_for_a_healthy_service_and_down_leaves_nothing(
    folder: Path, networking_docker: DockerEngine
) -> None:
    engine = networking_docker
    composed(engine, folder, "up", "--wait")
    states = [
        json.loads(line) for line in composed(engine, folder, "ps", "--all", "--format", "json").splitlines()
    ]
    assert {each["Service"]: (each["State"], each["Health"], each["ExitCode"]) for each in states} == {
        "database": ("running", "healthy", 0),
        "migrate": ("exited", "", 0),
        "shop": ("running", "healthy", 0),
    }
    answer = engine.beside("curl", "--silent", "--show-error", "--fail", "http://127.0.0.1:3000/health")
    assert json.loads(answer)["status"] == "ok"
    assert engine.docker("port", "shop-shop-1").splitlines() == ["3000/tcp -> 127.0.0.1:3000"]
    assert engine.docker("port", "shop-database-1") == ""

    done = ask_database(engine, DONE)
    assert [each.split()[:2] for each in done.split(",")] == [["1", "true"], ["2", "true"]]
    composed(engine, folder, "up", "--wait")
    assert ask_database(engine, DONE) == done

    down(engine, folder)
    assert engine.docker("ps", "--all", "--quiet") == ""
    assert engine.docker("volume", "ls", "--quiet") == ""
    assert engine.docker("network", "ls", "--quiet", "--filter", "type=custom") == ""


def test_no_service_starts_where_its_migrations_have_failed(
    folder: Path, networking_docker: DockerEngine
) -> None:
    with (folder / ".env").open("a") as file:
        file.write("APP_DATABASE_URL=postgres://shop:wrong@database/shop\n")
    with pytest.raises(FerruleError, match='service "migrate" didn\'t complete successfully: exit 1'):
        composed(networking_docker, folder, "up", "--wait")
    state = networking_docker.docker("inspect", "--format", "{{.State.Status}}", "shop-shop-1")
    assert state.strip() == "created"
    assert "password authentication failed" in composed(networking_docker, folder, "logs", "migrate")
