"""What somebody sees who types `ferrule` for the first time."""

import re
from pathlib import Path

import click
import pytest

from ferrule import __version__
from ferrule.cli.app import VERBS, ferrule, run
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


def test_flags_that_belong_together_stand_below_a_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == [
        "Options:",
        "What cargo builds:",
        "The program:",
        "The image:",
        "Where it goes:",
        "Verified before it goes there:",
        "Registries:",
    ]
    of_the_image = lines[lines.index("The image:") : lines.index("Where it goes:")]
    assert "  --port PORT           A port it listens on.  [repeatable]" in of_the_image
    assert any("[package.metadata.ferrule]" in line for line in lines)


@pytest.mark.parametrize("verb", VERBS)
def test_no_flag_is_lost_between_the_titles(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    context = click.Context(ferrule, info_name="ferrule")
    command = ferrule.get_command(context, verb)
    assert command is not None
    assert run([verb, "--help"]) == 0
    shown = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", capsys.readouterr().out, re.MULTILINE))
    flags = [each.opts for each in command.get_params(context) if isinstance(each, click.Option)]
    assert [names for names in flags if not shown & set(names)] == []
    assert "--help" in shown


def test_the_words_for_help_of_cargo_and_docker_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--help"]) == 0
    shown = capsys.readouterr().out
    assert run(["help", "build"]) == 0
    assert capsys.readouterr().out == shown


def test_cargos_way_of_calling_it_is_kept_in_usage_and_hints(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--help"], name="cargo ferrule") == 0
    assert capsys.readouterr().out.startswith("Usage: cargo ferrule build [OPTIONS] [PROJECT]\n")
    assert run(["build", "-z"], name="cargo ferrule") == 2
    assert capsys.readouterr().err.endswith("hint: see cargo ferrule build --help\n")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("ferrule bu", "build"), ("ferrule build --opt", "--optimize"), ("ferrule build --link mu", "musl")],
)
def test_a_shell_completes_verbs_flags_and_their_values(
    typed: str, completed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_FERRULE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out == f"plain,{completed}\n"


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_printed_as_cargo_prints_its_own(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([flag]) == 0
    assert capsys.readouterr().out == f"ferrule {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (("biuld",), 2, "No such command 'biuld'", "build"),
        (("build", "--target", "x"), 2, "No such option '--target'.", "--platform linux/arm64"),
        (("build", "--manifest-path", "x"), 2, "No such option '--manifest-path'.", "ferrule build PATH"),
        (("build", "--workspace"), 2, "No such option '--workspace'.", "--all makes an image for each"),
        (("build", "-q"), 2, "No such option '-q'.", "2>/dev/null"),
        (("build", "-f", "Dockerfile"), 2, "No such option '-f'.", "ferrule init"),
        (("build", "--taget", "x"), 2, "No such option '--taget'.", "did you mean --tag"),
        (("run", "-p", "api"), 2, "'api' is not a pair of ports", "a package is --package"),
        (("run", "--", "migrate"), 125, "there is no Cargo.toml in", ""),
        (("run", "-v", "/data:/data", "shop"), 2, "there is no /data:/data", "--mount"),
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


def test_a_platform_by_rust_s_name_comes_with_oci_s(refused: Refused, tmp_path: Path) -> None:
    code, error, hint = refused("plan", str(write_project(tmp_path / "p")), "--platform", "linux/aarch64")
    assert (code, error) == (2, "ferrule builds nothing for linux/aarch64")
    assert hint.startswith("did you mean linux/arm64?")


@pytest.mark.parametrize("verb", ["run", "verify"])
def test_a_word_that_is_no_image_may_have_been_meant_for_a_folder(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("FERRULE_MIRROR", "docker.io=127.0.0.1:1")
    run([verb, "shpo"])
    assert capsys.readouterr().err.endswith("; there is no folder shpo here\n")
