"""Paths of this machine in the programs of several platforms are warned of once each."""

from pathlib import Path

import pytest

from ferrule.tables import Table
from ferrule.verbs.leaks import warn_of_leaks
from ferrule.verbs.prepare import Prepared
from tests.cargo_projects import prepared, write_project
from tests.fakes.report import Notes

TABLE = Table(link="musl", platforms=("linux/amd64", "linux/arm64"))


@pytest.fixture
def both(tmp_path: Path) -> Prepared:
    return prepared(write_project(tmp_path / "deep" / "project", {"templates/a.html": ""}), flags=TABLE)


def warned(both: Prepared, folder: Path, *programs: tuple[str, ...]) -> Notes:
    """What is said of a program for each platform that holds these paths of the project."""
    report = Notes()
    root = both.project.workspace.workspace_root
    paths = []
    for number, names in enumerate(programs):
        paths.append(folder / f"program{number}")
        paths[-1].write_bytes(b"\0".join(f"{root}/{name}".encode() for name in names) + b"\0")
    warn_of_leaks(report, both, "the program", zip(both.plans, paths, strict=True))
    return report


def test_a_path_in_every_program_is_said_once_without_a_platform(both: Prepared, tmp_path: Path) -> None:
    said = warned(both, tmp_path, ("templates",), ("templates",))
    root = both.project.workspace.workspace_root
    assert said.warnings == [
        f"the program holds a path of this machine: {root}/templates (from the project itself)"
    ]
    assert len(said.said) == 1
    assert said.said[0].startswith('hint: env!("CARGO_MANIFEST_DIR") is a folder of this machine')


def test_where_programs_differ_the_platform_is_named(both: Prepared, tmp_path: Path) -> None:
    said = warned(both, tmp_path, ("templates", "a"), ("templates", "b"))
    starts = [warning.partition(" holds")[0] for warning in said.warnings]
    assert sorted(starts) == [
        "the program",
        "the program for linux/amd64",
        "the program for linux/arm64",
    ]


def test_programs_without_such_paths_cause_no_word(both: Prepared, tmp_path: Path) -> None:
    said = warned(both, tmp_path, (), ())
    assert (said.warnings, said.said) == ([], [])
