"""`.env.example` is read by the same reader as every environment file, and gives the contract back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.contract import Variable
from ferrule.database import Database
from ferrule.engine.variables import read_env_file
from ferrule.generate import env
from ferrule.generate.service import Service
from ferrule.values import Port

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def drafted(*contract: Variable, name: str = "shop") -> str:
    return env.drafts(Service(name=name, contract=contract))[0].text


def test_required_variables_come_first_and_optional_ones_are_comments() -> None:
    text = drafted(
        Variable(name="A"),
        Variable(name="LOG", default="info"),
        Variable(name="Z", required=True, secret=True, type="url", example="https://a.b", doc="two\nlines"),
    )
    assert text.splitlines()[2:] == [
        "",
        "# two",
        "# lines",
        "# required, secret, a URL, such as https://a.b",
        "Z=",
        "",
        "LOG=info",
        "",
        "# optional",
        "#A=",
    ]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("env") / "example"


@given(name=TEXTS, doc=TEXTS, default=TEXTS)
def test_every_value_comes_back_unchanged(file: Path, name: str, doc: str, default: str) -> None:
    contract = (Variable(name="NAME", default=default, doc=doc), Variable(name="KEY", required=True, doc=doc))
    file.write_bytes(drafted(*contract, name=name).encode())
    found = dict(read_env_file(str(file)))
    held = {"NAME": default} if "NAME" in found or default.isalnum() else {}
    assert found == {"KEY": "", **held}


@pytest.mark.parametrize(
    ("default", "line"),
    [
        ("info", "NAME=info"),
        ("", "NAME="),
        ('{"a": "b c"}', 'NAME={"a": "b c"}'),
        ("a$b", "#NAME="),
        ("a #b", "#NAME="),
        ("'a'", "#NAME="),
        (" a", "#NAME="),
        ("a\\b", "#NAME="),
        ("a\nb", "#NAME="),
    ],
)
def test_what_docker_and_compose_read_differently_is_not_in_it(default: str, line: str) -> None:
    assert drafted(Variable(name="NAME", default=default)).splitlines()[-1] == line


def test_a_name_that_compose_cannot_read_would_spoil_the_whole_file() -> None:
    assert drafted(Variable(name="a:b", required=True)).splitlines()[-2:] == [
        "# required, docker's --env-file alone takes this name",
        "#a:b=",
    ]


def test_a_database_asks_for_its_password_and_not_for_the_url_that_it_becomes_part_of() -> None:
    service = Service(
        name="shop",
        contract=(Variable(name="URL", required=True, secret=True, doc="orders"),),
        database=Database(version="16", url_env="URL"),
        ports=(Port(number=53), Port(number=53, protocol="udp")),
    )
    assert env.drafts(service)[0].text.splitlines()[3:] == [
        "# orders",
        "# required, secret",
        "# compose.yaml makes it of POSTGRES_…, and takes it from here where it stands here",
        "#URL=",
        "",
        "# Of compose.yaml: its database's password, which becomes part of a URL (openssl rand -hex 24).",
        "# required, secret",
        "POSTGRES_PASSWORD=",
        "#POSTGRES_DB=shop",
        "#POSTGRES_USER=shop",
        "",
        "# Of compose.yaml: the address and the ports of this machine that it publishes.",
        "#PUBLISH_ON=127.0.0.1",
        "#PUBLISH_53=53",
    ]
