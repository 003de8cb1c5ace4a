"""What counts as kept when a document promises output."""

from pathlib import Path

import pytest

from tests.docs.console import Shown, shown_in

ROOT = Path("/src/project")


def shown(*output: str) -> Shown:
    return Shown(command="ferrule", output=output, goes_on=False)


def test_commands_come_with_the_lines_below_them() -> None:
    text = "# T\n```console\n$ one a\nprinted\n\n$ two\n```\n```text\n$ not run\n```\n"
    assert shown_in(f"{text}```console\n$ three\n…\n```\n") == (
        Shown(command="one a", output=("printed",), goes_on=False),
        Shown(command="two", output=(), goes_on=False),
        Shown(command="three", output=(), goes_on=True),
    )


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("size  4.77 MB, 2 layers", "x\n  size  14.8 MB, 3 layers\ny"),
        (f"digest  sha256:{'a' * 64}", f"digest  sha256:{'b' * 64}"),
        ("oci:/home/ada/ferrule/target:latest", "oci:/src/project/target:latest"),
        ("Finished in 0.17s", "Finished in 2m 07s"),
        ("… INFO stopped", "2026-11-24T01:52:13.1Z  INFO stopped"),
        ("bases  scratch, …", "bases  scratch, debian"),
    ],
)
def test_figures_blanks_and_places_do_not_count(line: str, printed: str) -> None:
    assert shown(line).missing_from(printed, ROOT) is None


@pytest.mark.parametrize(
    ("output", "printed", "missing"),
    [
        (("base  scratch",), "base  fitted", "base  scratch"),
        (("base  scratch",), "", "base  scratch"),
        (("a", "b"), "b\na", "b"),
        (("bases  scratch",), "bases  scratch, debian", "bases  scratch"),
    ],
)
def test_other_words_are_missed(output: tuple[str, ...], printed: str, missing: str) -> None:
    assert shown(*output).missing_from(printed, ROOT) == missing


def test_an_error_that_is_shown_is_a_failure() -> None:
    assert shown("error: no", "hint: yes").fails
    assert not shown("hint: no error: here").fails
