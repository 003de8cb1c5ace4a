"""What somebody sees who types `ferrule` for the first time."""

from pathlib import Path

import pytest

from ferrule import __version__
from ferrule.cli.app import run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    Path("notes.txt").write_text("no project")


def test_without_a_verb_the_help_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out

    assert run([]) == 2
    assert capsys.readouterr() == ("", shown)


def test_the_help_writes_udp_as_the_flag_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "--help"]) == 0
    assert "--publish [HOST:]CONTAINER[/udp]" in capsys.readouterr().out


def test_the_version_is_printed_as_cargo_prints_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"ferrule {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (("run", "./nope"), 2, "there is no ./nope", "the folder of a Cargo project, or an image"),
        (("plan", "notes.txt"), 3, "notes.txt is neither the folder of a Cargo project nor", "ferrule pack"),
        (
            ("plan", "--health", "health"),
            2,
            "'health' is not a path of a URL",
            "it begins with /, like /health",
        ),
        (("plan", "--workdir", "app"), 2, "'app' is not an absolute path", "it begins with /, like /app"),
    ],
)
def test_what_was_meant_is_in_the_hint(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, error: str, hint: str
) -> None:
    assert run([*arguments]) == code
    said = capsys.readouterr().err.splitlines()
    assert error in said[0]
    assert hint in said[1]
