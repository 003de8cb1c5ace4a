"""Queries that SQLx checks while it compiles: with a database that is away, and without one."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cargo.build import build
from ferrule.process import SystemRunner
from tests.cargo.failing import error_of, shared_target, without
from tests.cargo_projects import manifest, prepared, write_project
from tests.fakes.report import Notes

__all__ = ["shared_target", "without"]
pytestmark = [pytest.mark.acceptance, pytest.mark.real]

QUERY = "select 1 as x"
DEPENDENCY = """[dependencies.sqlx]
version = "0.8"
default-features = false
features = ["macros", "postgres", "runtime-tokio"]
[profile.release]
opt-level = 0
"""
OFFLINE = """{
  "db_name": "PostgreSQL",
  "query": "select 1 as x",
  "describe": {
    "columns": [{ "ordinal": 0, "name": "x", "type_info": "Int4" }],
    "parameters": { "Left": [] },
    "nullable": [null]
  },
  "hash": "HASH"
}
"""
AWAY = "DATABASE_URL=postgres://127.0.0.1:1/shop\n"
FILES = {
    "Cargo.toml": manifest(extra=DEPENDENCY),
    "src/main.rs": f'fn main() {{ let _ = sqlx::query!("{QUERY}"); println!("hello"); }}\n',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: in another folder SQLx would be compiled again."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture
def place(folder: Path, without: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    without()
    for name in ("DATABASE_URL", "SQLX_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    (folder / ".env").unlink(missing_ok=True)
    shutil.rmtree(folder / ".sqlx", ignore_errors=True)
    return folder


def offline(query: str) -> dict[str, str]:
    """What `cargo sqlx prepare` writes for a query."""
    digest = hashlib.sha256(query.encode()).hexdigest()
    text = OFFLINE.replace("HASH", digest).replace("select 1 as x", query)
    return {f".sqlx/query-{digest}.json": text}


def test_neither_database_nor_offline_data(place: Path) -> None:
    message, hint = error_of(place, FILES)
    assert message == "SQLx checks queries while compiling, and has neither .sqlx nor a database"
    assert hint == "run cargo sqlx prepare and commit .sqlx, or set DATABASE_URL"


def test_a_database_that_is_away(place: Path) -> None:
    message, hint = error_of(place, {**FILES, ".env": AWAY})
    assert message.startswith(
        "SQLx checks queries while compiling, and its database is away: Connection refused"
    )
    assert "commit .sqlx" in hint


def test_offline_data_that_is_old(place: Path) -> None:
    message, hint = error_of(place, {**FILES, **offline("select 2 as x")})
    assert message == "the queries have changed since .sqlx was made"
    assert hint == "run cargo sqlx prepare, and commit .sqlx"


def test_offline_data_is_enough_where_the_database_of_env_is_away(place: Path) -> None:
    write_project(place, {**FILES, **offline(QUERY), ".env": AWAY})
    artifact = build(SystemRunner(), Notes(), prepared(place).plan, link="auto", colour=False)
    assert artifact.path.is_file()
