"""Real projects, one for each trait, become the images that are expected, and the images run."""

import functools
import shutil

import pytest
from msgspec.structs import replace

from tests.corpus.page import PAGE, committed, page, row, says_the_same
from tests.corpus.proof import EMULATORS, SOURCES, Found, prove
from tests.corpus.table import HERE, PROJECTS, Expected
from tests.parts.need import need
from tests.parts.targets import need_targets

pytestmark = pytest.mark.real


@functools.cache
def found_of(expected: Expected) -> Found:
    """Proven once in a run."""
    for program in expected.programs:
        need(shutil.which(program), program)
    if expected.platform != HERE:
        need_targets()
        need(shutil.which(EMULATORS[expected.platform]), EMULATORS[expected.platform])
    return prove(expected)


def as_expected(expected: Expected, found: Found) -> Found:
    """What is found when all is right; the size is free."""
    return replace(
        found,
        plan=(expected.link, expected.reason, expected.base),
        link=expected.link,
        reason=expected.reason,
        base=expected.base,
        beside=expected.beside,
        starts_alone=expected.link == "static",
        is_healthy=True,
    )


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(
            each, id=f"{each.name}-{each.platform}", marks=() if each.is_quick else pytest.mark.acceptance
        )
        for each in PROJECTS
    ],
)
def test_a_project_becomes_the_image_that_is_right_for_it(expected: Expected) -> None:
    found = found_of(expected)
    assert found == as_expected(expected, found)
    line = row(expected, found)
    assert any(says_the_same(line, other) for other in committed().splitlines()), f"{PAGE} lacks {line}"


@pytest.mark.acceptance
def test_the_page_says_what_is_found_and_nothing_else() -> None:
    found = [(each, found_of(each)) for each in PROJECTS]
    assert [one for each, one in found if one != as_expected(each, one)] == []
    fresh = page(found)
    if not says_the_same(fresh, committed()):
        PAGE.write_text(fresh, encoding="utf-8")
        pytest.fail(f"{PAGE} was not what is found: it is written anew, look at it and commit it")


def test_every_project_is_in_the_table_and_eight_of_them_are_in_every_run() -> None:
    assert {path.name for path in SOURCES.iterdir() if path.is_dir()} == {each.name for each in PROJECTS}
    quick = [each.platform for each in PROJECTS if each.is_quick]
    assert (quick.count(HERE), len(quick)) == (8, 9)


def test_sizes_may_differ_by_little_and_nothing_else_at_all() -> None:
    line = "| zstd | C | static | 0.8 MB | yes |"
    assert says_the_same(line, line.replace("0.8", "0.9"))
    assert not says_the_same(line, line.replace("0.8", "1.0"))
    assert not says_the_same(line, line.replace("yes", "no"))
    assert not says_the_same(line, line.replace("static", "dynamic"))
