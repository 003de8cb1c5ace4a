"""Services, good and broken, each with the verdict and the words that it must get, on every engine."""

import os

import pytest

from ferrule.verbs.trial import Verified
from tests.parts.need import need
from tests.verify.conftest import Verify
from tests.verify.rows import ROWS, Row

ENGINES = ("docker", "podman")


def judged_rightly(row: Row, found: Verified) -> None:
    failed = {check.name: check for check in found.verdict.failed}
    said = {name: check.said for name, check in failed.items()}
    assert set(failed) == set(row.failed), f"{said}\n{found.last_lines}"
    for name, words in row.failed.items():
        assert words in said[name].replace("No such", "no such")
        assert failed[name].hint
    passed = {check.name: check.said for check in found.verdict.checks if check.ok}
    for name, words in row.passed.items():
        assert words in passed[name]
    assert row.lines in found.last_lines
    assert row.hint in " ".join(check.hint for check in failed.values())
    assert found.verdict.ok == (not row.failed)
    for _, value in row.env:
        assert value not in f"{found}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_service_gets_its_verdict_in_the_sandbox(row: Row, verified: Verify) -> None:
    if row.capabilities:
        need(os.geteuid() == 0, "root, who can set a file's capabilities")
    judged_rightly(row, verified(row, "sandbox"))


@pytest.mark.real
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("row", [row for row in ROWS if row.on_all], ids=lambda row: row.name)
def test_a_service_gets_the_same_verdict_from_an_engine(row: Row, engine: str, verified: Verify) -> None:
    judged_rightly(row, verified(row, engine))


@pytest.mark.acceptance
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("row", [row for row in ROWS if not row.on_all], ids=lambda row: row.name)
def test_every_other_service_gets_the_same_verdict_from_an_engine(
    row: Row, engine: str, verified: Verify
) -> None:
    judged_rightly(row, verified(row, engine))


def test_the_table_is_as_long_as_it_was_promised() -> None:
    assert len([row for row in ROWS if row.failed]) >= 30
    assert len([row for row in ROWS if row.on_all]) == 6
    assert len({row.name for row in ROWS}) == len(ROWS)
