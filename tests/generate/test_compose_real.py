"""Compose itself reads what is generated without a word against it, and takes values as they are meant."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ferrule.contract import Variable
from ferrule.generate import compose
from ferrule.generate.marked import drafted
from ferrule.generate.service import Service
from tests.generate.composing import composed
from tests.generate.judge_compose import VALUE, filled, findings
from tests.generate.services import FULL, TINY
from tests.parts.judges import judged

pytestmark = pytest.mark.real
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def written(service: Service, folder: Path) -> Path:
    for draft in compose.drafts(service):
        text = drafted(None, draft.kind, draft.text, force=False)
        (folder / draft.path).write_bytes(text.encode())
    return folder


def said(folder: Path, *arguments: str) -> Any:
    """What compose makes of the folder's files."""
    finished = judged("docker-compose", *arguments, cwd=folder)
    assert (finished.returncode, finished.stderr) == (0, ""), finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.parametrize("service", [FULL, TINY], ids=["full", "tiny"])
def test_no_judge_finds_anything(service: Service, tmp_path: Path) -> None:
    assert findings(written(service, tmp_path)) == ()


@pytest.mark.parametrize(
    ("right", "wrong", "judge"),
    [
        ("restart: unless-stopped", "restart: [never]", "schema"),
        ("condition: service_healthy", "condition: well", "schema"),
        ("condition: service_healthy", "condition: well", "compose"),
        ("  database:\n    <<", "  databases:\n    <<", "compose"),
        ("${RUST_LOG-info}", "${RUST_LOG}$NOBODY", "compose"),
    ],
)
def test_each_judge_finds_what_is_spoiled(right: str, wrong: str, judge: str, tmp_path: Path) -> None:
    file = written(FULL, tmp_path) / "compose.yaml"
    spoiled = file.read_text().replace(right, wrong)
    assert spoiled != file.read_text()
    file.write_text(spoiled)
    assert [each for each in findings(tmp_path) if each.startswith(judge)]


def test_a_variable_that_is_missing_ends_compose_with_a_sentence(tmp_path: Path) -> None:
    (written(FULL, tmp_path) / ".env").write_text("APP_JWT_SECRET=x\n")
    finished = judged("docker-compose", "config", "--quiet", cwd=tmp_path)
    assert finished.returncode != 0
    assert "POSTGRES_PASSWORD is missing a value: copy .env.example to .env and fill it in" in finished.stderr


def test_compose_and_the_reader_of_our_tests_make_the_same_of_it(tmp_path: Path) -> None:
    (written(FULL, tmp_path) / ".env").write_text(filled(tmp_path))
    found = said(tmp_path, "config", "--format", "json")["services"]
    ours = composed(FULL, {"APP_JWT_SECRET": VALUE, "POSTGRES_PASSWORD": VALUE})["services"]
    assert list(found) == sorted(ours)
    for name in found:
        environment = {key: _plain(value) for key, value in found[name]["environment"].items()}
        assert environment == ours[name]["environment"]
    assert [_plain(word) for word in found["migrate"]["command"]] == list(FULL.migrate or ())
    assert "ports" not in found["migrate"]


def _plain(text: str | None) -> str | None:
    """`config` writes a file that compose can read again."""
    return None if text is None else text.replace("$$", "$")


@settings(max_examples=15, deadline=None)
@given(values=st.lists(TEXTS, min_size=20, max_size=20))
def test_values_of_all_kinds_come_out_of_compose_unchanged(
    values: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Three hundred of them: by the file's own defaults, and by an `.env` that is a copy of the example."""
    folder = tmp_path_factory.mktemp("compose")
    contract = tuple(Variable(name=f"V{number}", default=value) for number, value in enumerate(values))
    written(replace(TINY, contract=contract, migrate=tuple(values)), folder)
    for is_copied in (False, True):
        if is_copied:
            (folder / ".env").write_bytes((folder / ".env.example").read_bytes())
        found = said(folder, "config", "--format", "json")["services"]
        environment = found["tiny"]["environment"]
        assert [_plain(environment[variable.name]) for variable in contract] == values
        assert [_plain(word) for word in found["migrate"]["command"]] == values
