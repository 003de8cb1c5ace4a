"""A program stands for cargo: it writes down each of its starts, so that a second one would be seen."""

import json
import time
from pathlib import Path

import pytest

from ferrule.cargo.head_start import head_start
from ferrule.process import Command

WORDS = ("/project", "build")
PATIENCE_SECONDS = 60
LONG = "while test -e hold; do sleep 0.05; done; echo late >> starts"
"""Goes on as long as there is a file."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Cargo.lock").touch()
    return tmp_path


def program(project: Path, script: str = "echo one; echo two") -> Command:
    return Command(
        argv=("sh", "-c", f"echo started >> starts; {script}"),
        cwd=project,
        env={"A": "b"},
        talk=True,
    )


def starts(project: Path) -> int:
    file = project / "starts"
    return len(file.read_text().splitlines()) if file.exists() else 0


def run(project: Path, command: Command, words: tuple[str, ...] = WORDS) -> list[bytes]:
    lines: list[bytes] = []
    with head_start(project / "memory", words) as ahead:
        ahead.stream(command, lines.append)
    return lines


def wait_for_starts(project: Path, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while starts(project) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_same_words_start_the_same_program_before_it_is_asked_for(project: Path) -> None:
    assert run(project, program(project)) == [b"one\n", b"two\n"]
    with head_start(project / "memory", WORDS) as ahead:
        wait_for_starts(project, 2)
        lines: list[bytes] = []
        assert ahead.stream(program(project), lines.append).ok
    assert lines == [b"one\n", b"two\n"]
    assert starts(project) == 2


def test_of_several_programs_the_first_is_begun(project: Path) -> None:
    first, second = program(project), program(project, "echo second")
    for _ in range(2):
        with head_start(project / "memory", WORDS) as ahead:
            for command in (first, second):
                ahead.stream(command, lambda _: None)
    assert starts(project) == 4


def test_what_is_written_before_it_is_asked_for_is_not_lost(project: Path) -> None:
    many = program(project, "seq 1 50000; echo done >> starts")
    run(project, many)
    lines: list[bytes] = []
    with head_start(project / "memory", WORDS) as ahead:
        wait_for_starts(project, 4)  # it has ended, though nobody has read a line
        ahead.stream(many, lines.append)
    assert len(lines) == 50_000


def test_another_program_than_the_begun_one_runs_alone(project: Path) -> None:
    run(project, program(project, LONG))
    (project / "hold").touch()
    with head_start(project / "memory", WORDS) as ahead:
        wait_for_starts(project, 3)  # started, late, and the start that was made ahead
        lines: list[bytes] = []
        ahead.stream(program(project), lines.append)
    assert lines == [b"one\n", b"two\n"]
    (project / "hold").unlink()
    time.sleep(0.5)
    assert (project / "starts").read_text().splitlines() == ["started", "late", "started", "started"]


def test_a_program_that_nobody_asks_for_is_stopped(project: Path) -> None:
    run(project, program(project, LONG))
    (project / "hold").touch()
    with head_start(project / "memory", WORDS):
        wait_for_starts(project, 3)
    (project / "hold").unlink()
    time.sleep(0.5)
    assert (project / "starts").read_text().splitlines() == ["started", "late", "started"]


@pytest.mark.parametrize("script", ["exit 3", "kill -9 $$"])
def test_a_program_that_fails_is_not_begun_again(project: Path, script: str) -> None:
    run(project, program(project, script))
    with head_start(project / "memory", WORDS):
        time.sleep(0.1)
    assert starts(project) == 1


def test_other_words_begin_nothing(project: Path) -> None:
    run(project, program(project))
    with head_start(project / "memory", ("/project", "build", "--locked")):
        time.sleep(0.1)
    assert starts(project) == 1


def test_nothing_begins_where_cargo_would_write_its_lock_file(project: Path) -> None:
    run(project, program(project))
    (project / "Cargo.lock").unlink()
    with head_start(project / "memory", WORDS):
        time.sleep(0.1)
    assert starts(project) == 1


def test_nothing_begins_where_cargo_is_quiet(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(project, program(project))
    monkeypatch.setenv("CARGO_TERM_QUIET", "true")
    with head_start(project / "memory", WORDS):
        time.sleep(0.1)
    assert starts(project) == 1


def test_nothing_begins_that_links_a_library_which_is_gone(project: Path) -> None:
    library = project / "library"
    library.mkdir()
    command = program(project)
    command = command._replace(argv=(*command.argv, "-L", f"native={library}"))
    run(project, command)
    library.rmdir()
    with head_start(project / "memory", WORDS):
        time.sleep(0.1)
    assert starts(project) == 1
    library.mkdir()
    with head_start(project / "memory", WORDS):
        wait_for_starts(project, 2)


@pytest.mark.parametrize(
    "entry",
    [
        1,
        [],
        {"argv": 3},
        {"argv": [], "cwd": "/", "env": {}},
        {"argv": ["true"], "cwd": "/", "env": {"A": 1}},
    ],
)
def test_an_entry_that_makes_no_sense_begins_nothing(project: Path, entry: object) -> None:
    run(project, program(project))
    remembered = json.loads((project / "memory").read_text())
    (project / "memory").write_text(json.dumps(dict.fromkeys(remembered, entry)))
    with head_start(project / "memory", WORDS):
        time.sleep(0.1)
    assert starts(project) == 1
    run(project, program(project))
    assert json.loads((project / "memory").read_text()) == remembered


def test_a_program_that_is_gone_is_no_failure(project: Path) -> None:
    gone = project / "gone"
    gone.write_text("#!/bin/sh\n")
    gone.chmod(0o755)
    run(project, Command(argv=(str(gone),), cwd=project, talk=True))
    gone.unlink()
    assert run(project, program(project)) == [b"one\n", b"two\n"]


def test_words_stay_secret(project: Path) -> None:
    run(project, program(project), ("--env", "TOKEN=hunter2"))
    assert "hunter" not in (project / "memory").read_text()
