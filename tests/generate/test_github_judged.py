"""The workflow for GitHub before its judges, each of which can find a fault."""

from pathlib import Path

import msgspec
import pytest

from ferrule.generate import github
from ferrule.generate.marked import drafted
from ferrule.generate.service import Service
from tests.generate.judge_github import findings
from tests.generate.test_github import BELOW, FULL, TINY, text_of

BASED = msgspec.structs.replace(TINY, bases=("ghcr.io/acme/base:1",))


@pytest.mark.real
@pytest.mark.parametrize(
    "service",
    [TINY, FULL, BELOW, BASED],
    ids=("tiny", "full", "below", "based"),
)
def test_the_judges_find_nothing(service: Service, tmp_path: Path) -> None:
    assert findings(_written(service, tmp_path)) == ()


@pytest.mark.real
@pytest.mark.parametrize(
    ("good", "bad", "judge"),
    [
        ("runs-on: ubuntu-latest", "runs-upon: ubuntu-latest", "check-jsonschema"),
        ("persist-credentials: false", "fetch-depth: 1", "zizmor"),
        ("steps.cache.outputs", "steps.cash.outputs", "actionlint"),
    ],
)
def test_each_judge_can_fail(good: str, bad: str, judge: str, tmp_path: Path) -> None:
    place = _written(TINY, tmp_path) / github.PATH
    place.write_text(place.read_text().replace(good, bad))
    assert any(finding.startswith(f"{judge}: ") for finding in findings(tmp_path))


def _written(service: Service, folder: Path) -> Path:
    place = folder / github.PATH
    place.parent.mkdir(parents=True)
    place.write_text(drafted(None, github.KIND, text_of(service), force=False), encoding="utf-8")
    return folder
