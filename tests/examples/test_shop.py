"""The example's own promises, as far as they show without a build."""

import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest

from ferrule.process import Command, SystemRunner
from tests.parts.postgres import postgres, programs

SHOP = Path(__file__).parents[2] / "examples" / "shop"
MACRO = re.compile(r'query(?:_as|_scalar)?!\(\s*(?:\w+,\s*)?"([^"]+)"')


def test_the_metadata_takes_at_most_eight_lines() -> None:
    manifest = (SHOP / "Cargo.toml").read_text()
    tables = [
        table for table in re.split(r"\n(?=\[)", manifest) if table.startswith("[package.metadata.ferrule")
    ]
    lines = [line for table in tables for line in table.splitlines() if line.strip()]
    assert 1 < len(lines) <= 8
    said = tomllib.loads(manifest)["package"]["metadata"]["ferrule"]
    assert said["ports"] == [3000]
    assert said["health"] == {"path": "/health"}


def test_the_release_profile_is_cargos_own() -> None:
    assert "profile" not in tomllib.loads((SHOP / "Cargo.toml").read_text())
    assert not (SHOP / ".cargo").exists()


def test_every_query_is_known_offline_and_no_other() -> None:
    written = "".join(source.read_text() for source in (SHOP / "src").glob("**/*.rs"))
    queries = MACRO.findall(written)
    assert len(queries) == len(re.findall(r"query\w*!\(", written)) > 0
    assert sorted(set(queries)) == sorted(stored_queries())


def test_each_offline_file_has_the_name_that_its_macro_looks_for() -> None:
    for file in (SHOP / ".sqlx").iterdir():
        query = json.loads(file.read_text())["query"]
        assert file.name == f"query-{hashlib.sha256(query.encode()).hexdigest()}.json"


@pytest.mark.real
def test_postgres_takes_the_migrations_and_then_every_query(tmp_path: Path) -> None:
    migrations = [file.read_text() for file in sorted((SHOP / "migrations").glob("*.sql"))]
    prepared = [f"PREPARE query_{number} AS {query};" for number, query in enumerate(stored_queries())]
    with postgres(tmp_path / "postgres") as url:
        psql = (str(programs() / "psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", url)
        done = SystemRunner().run(Command(argv=psql, stdin="\n".join(migrations + prepared).encode()))
    assert done.ok, done.stderr.decode()


def stored_queries() -> list[str]:
    return [json.loads(file.read_text())["query"] for file in (SHOP / ".sqlx").glob("query-*.json")]
