"""The tables `database` and `migrate`, and the variable that follows from them."""

from typing import Any

import pytest

from ferrule.contract import Variable
from ferrule.database import Database
from ferrule.errors import ProjectError
from tests.test_config import settings_of


def test_a_database_is_a_version_and_the_variable_of_its_url() -> None:
    settings = settings_of({"database": {"postgres": "16"}})
    assert settings.database == Database(version="16", url_env="DATABASE_URL")
    named = settings_of({"database": {"postgres": "16.4-alpine", "url-env": "APP_DATABASE_URL"}}).database
    assert named is not None
    assert (named.url_env, named.major, named.image) == ("APP_DATABASE_URL", "16", "postgres:16.4-alpine")
    assert settings_of({}).database is None


def test_the_program_s_own_migration_is_its_arguments() -> None:
    assert settings_of({"migrate": {"args": ["db", "migrate"]}}).migrate == ("db", "migrate")
    assert settings_of({}).migrate is None


@pytest.mark.parametrize(
    ("table", "said", "hint"),
    [
        ({"database": {}}, "database: nothing says which database", 'postgres = "16"'),
        (
            {"database": {"mysql": "8"}},
            "database: 'mysql' is no key of a database",
            "known are postgres, url",
        ),
        ({"database": {"redis": "7"}}, "database: 'redis' is no key", "known are postgres, url-env"),
        ({"database": {"postgres": "16", "url_env": "X"}}, "'url_env' is no key", "did you mean url-env?"),
        ({"database": {"postgres": 16}}, "postgres = 16 is not a version of Postgres", "postgres = "),
        ({"database": {"postgres": "latest"}}, "postgres = 'latest' is not a version", "postgres = "),
        ({"database": {"postgres": "16", "url-env": "A B"}}, "url-env = 'A B' is not the name", "url-env = "),
        ({"database": "postgres"}, "database: it takes a table, and this is a string", "reference"),
        ({"migrate": {}}, "migrate: migrate has no args", "args = "),
        ({"migrate": {"args": []}}, "migrate: migrate has no args", "args = "),
        ({"migrate": {"args": "migrate"}}, "migrate: migrate has no args", "args = "),
        ({"migrate": {"args": [1]}}, "migrate: args is not a list of strings", "args = "),
        ({"migrate": {"arg": ["x"]}}, "migrate: 'arg' is no key of migrate", "did you mean args?"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(table: Any, said: str, hint: str) -> None:
    with pytest.raises(ProjectError) as caught:
        settings_of(table)
    assert caught.value.message.startswith("package.metadata.ferrule.")
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_the_url_is_a_required_secret_of_the_contract_unless_the_project_says_otherwise() -> None:
    database = {"postgres": "16", "url-env": "DB"}
    settings = settings_of({"database": database, "env": {"LEVEL": "info"}})
    assert [each.name for each in settings.contract] == ["DB", "LEVEL"]
    assert settings.contract[0] == Variable(
        name="DB", required=True, secret=True, type="url", doc="Postgres 16"
    )
    assert dict(settings.env) == {"LEVEL": "info"}
    (own,) = settings_of({"database": database, "env": {"DB": {"type": "url"}}}).contract
    assert own == Variable(name="DB", type="url")
