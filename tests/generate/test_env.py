"""`.env.example` is read by the same reader as every environment file, and gives the contract back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.contract import Variable
from ferrule.engine.variables import read_env_file
from ferrule.generate import env
from ferrule.generate.service import Service

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
    held = {"NAME": default} if "\n" not in default and "\r" not in default else {}
    assert found == {"KEY": "", **held}
