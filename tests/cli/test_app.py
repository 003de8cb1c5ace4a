"""What somebody sees who types `ferrule` for the first time."""

from pathlib import Path

import pytest

from ferrule import __version__
from ferrule.cli.app import run
from tests.cargo_projects import write_project
from tests.cli.conftest import Refused


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


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--manifest-path", "the project is an argument"),
        ("--workspace", "--all makes an image of each binary"),
        ("--target", "--platform linux/arm64 says what it is for"),
    ],
)
def test_a_flag_of_cargo_s_comes_with_what_there_is_instead(refused: Refused, flag: str, hint: str) -> None:
    code, error, help_line = refused("build", flag, "x")
    assert (code, error) == (2, f"there is no {flag}")
    assert help_line.startswith(hint)


def test_a_platform_by_rust_s_name_comes_with_oci_s(refused: Refused, tmp_path: Path) -> None:
    code, error, hint = refused("plan", str(write_project(tmp_path / "p")), "--platform", "linux/aarch64")
    assert (code, error) == (2, "ferrule builds nothing for linux/aarch64")
    assert hint.startswith("did you mean linux/arm64?")
