"""Wrong input for `ferrule run` and `ferrule stop`: one line of cause, one hint, the right exit code."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cli.app import run
from ferrule.cli.run import command
from ferrule.process import Command, SystemRunner
from tests.fakes.images import entry, folder, image_of, tar_of
from tests.fakes.report import without_slow_steps

Ferrule = Callable[..., tuple[int, str, str]]
SLEEPER = (
    "#include <signal.h>\n#include <unistd.h>\nint main(void) { signal(15, _exit); for (;;) pause(); }\n"
)
SANDBOX = ("--engine", "sandbox")


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's: no engine that answers, no state, no podman."""
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def ferrule(capfd: pytest.CaptureFixture[str]) -> Ferrule:
    """Runs a command line that fails and gives exit code, cause and hint."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        lines = err.splitlines()[-2:]
        assert [line.partition(":")[0] for line in lines] == ["error", "hint"], err
        assert out == ""
        assert "Traceback" not in err
        return code, lines[0].removeprefix("error: "), lines[1].removeprefix("hint: ")

    return call


@pytest.fixture
def layout(tmp_path: Path) -> str:
    """An image that runs, and says nothing about its health."""
    shell = Path("/bin/busybox") if Path("/bin/busybox").exists() else Path(sys.executable)
    image_of(tmp_path / "image", [tar_of([folder("tmp"), entry("x", shell.read_bytes(), mode=0o755)])])
    return f"oci:{tmp_path}/image"


@pytest.mark.parametrize(
    ("words", "what", "arguments"),
    [
        (["--bin", "x", "--", "a", "--", "b"], ".", ("a", "--", "b")),
        (["shop", "--", "-x"], "shop", ("-x",)),
        (["shop", "a", "--", "b"], "shop", ("a", "b")),
        (["shop", "a"], "shop", ("a",)),
        (["--"], ".", ()),
    ],
)
def test_what_stands_behind_two_dashes_is_never_the_image(
    words: list[str], what: str, arguments: tuple[str, ...]
) -> None:
    given = command.make_context("run", words).params
    assert (given["what"], given["arguments"]) == (what, arguments)


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        (["--env", "=1"], "'' is not the name of a variable"),
        (["--env", "A B=1"], "'A B' is not the name of a variable"),
        (["--env-file", "/nowhere"], "Invalid value for '--env-file': /nowhere cannot be read: No such file"),
        (["--env-file", "/"], "/ cannot be read: Is a directory"),
        (["--mount", "data:/data"], "'data' names a volume"),
        (["--mount", "/nowhere:/data"], "there is no /nowhere to mount"),
        (["--mount", "/tmp:data"], "'data' is no place for a mount"),
        (["--mount", "/tmp:/"], "'/' is no place for a mount"),
        (["--mount", "/tmp:/proc"], "nothing is mounted at /proc"),
        (["--mount", "type=volume,source=a,target=/a"], "a mount of type 'volume' is not made here"),
        (["--mount", "type=tmpfs,target=/a,tmpfs-size=1m"], "'tmpfs-size' of a mount is not known here"),
        (["--mount", "/tmp:/a", "--mount", "/var:/a"], "two mounts have the target /a"),
        (["--name", "web"], "--name goes with --detach"),
        (["--detach", "--name", "../web"], "'../web' is not a name for a running program"),
        (["--wait-timeout", "0"], "Invalid value for '--wait-timeout'"),
        (["--publish", "80:x"], "'80:x' is not a pair of ports"),
        (["--publish", "8080:80"], "port 80 cannot be 8080"),
        (["--network", "bridge"], "the sandbox has no network of its own"),
        (["--wait"], "--wait needs a health path"),
        (["--engine", "lxc"], "'lxc' is not one of"),
        (["--detatch"], "No such option '--detatch'"),
    ],
)
def test_a_wrong_flag_is_exit_code_2(ferrule: Ferrule, layout: str, flags: list[str], cause: str) -> None:
    code, said, hint = ferrule("run", *SANDBOX, *flags, layout)
    assert code == 2
    assert cause in said
    assert hint


def test_what_stands_behind_two_dashes_is_no_image(
    ferrule: Ferrule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["--", "serve"], ["--", "serve", "--", "x"]):
        assert ferrule("run", *SANDBOX, *words)[:2] == (125, "there is no Cargo.toml in .")


def test_a_wrong_line_of_a_file_is_named_and_no_value_is_shown(
    ferrule: Ferrule, layout: str, tmp_path: Path
) -> None:
    file = tmp_path / "app.env"
    file.write_text("TOKEN=s3cret\nOTHER s3cret=s3cret\n")
    code, said, hint = ferrule("run", *SANDBOX, layout, "--env-file", file)
    assert code == 2
    assert f"{file}:2: the name of the variable has a blank" in said
    assert "s3cret" not in said + hint


def test_what_fails_without_a_flag_being_wrong_is_125_and_with_detach_its_own_code(
    ferrule: Ferrule, layout: str, tmp_path: Path
) -> None:
    assert ferrule("run", *SANDBOX, layout, "--", "x")[0] == 125  # no program of this name
    assert ferrule("run", *SANDBOX, "-d", layout, "--", "x")[0] == 6
    assert ferrule("run", *SANDBOX, f"oci:{tmp_path}/nope")[0] == 125
    assert ferrule("run", *SANDBOX, "-d", f"oci:{tmp_path}/nope")[0] == 5
    assert ferrule("run", "--engine", "docker", "-d", layout)[0] == 6
    assert ferrule("run", "--engine", "podman", "-d", layout)[0] == 6


@pytest.mark.parametrize(
    ("arguments", "cause", "hint"),
    [
        ([], "Missing argument 'NAME...'", "see ferrule stop --help"),
        (["web"], "nothing that ferrule started is named web", "nothing that ferrule started is running"),
        (["../../etc"], "'../../etc' is not a name", "2 to 63 letters"),
        (["web", "--time", "-1"], "Invalid value for '--time'", "see ferrule stop --help"),
        (["web", "--engine", "lxc"], "'lxc' is not one of", "see ferrule stop --help"),
    ],
)
def test_a_stop_of_nothing_is_exit_code_2(
    ferrule: Ferrule, arguments: list[str], cause: str, hint: str
) -> None:
    code, said, advice = ferrule("stop", *arguments)
    assert code == 2
    assert cause in said
    assert hint in advice


def test_a_stop_with_an_engine_that_is_not_there_is_exit_code_6(ferrule: Ferrule) -> None:
    assert ferrule("stop", "web", "--engine", "docker")[0] == 6
    assert ferrule("stop", "web", "--engine", "podman")[:2] == (6, "podman is not installed")


def test_the_engine_that_was_chosen_is_said_once_with_its_reason(
    layout: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(["run", layout, "--", "/x"])
    said = without_slow_steps(capfd.readouterr().err)
    line = f"running ferrule-run:latest with sandbox (docker does not answer at unix://{tmp_path}/no.sock)\n"
    assert said.count("with sandbox") == 1
    assert said.startswith(line)
    run(["run", layout, *SANDBOX, "--", "/x"])
    assert "with sandbox" not in capfd.readouterr().err


def test_a_state_folder_that_cannot_be_made_is_explained(
    ferrule: Ferrule, layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    code, cause, hint = ferrule("run", *SANDBOX, "-d", "--name", "web", layout, "--", "/x")
    assert (code, cause) == (1, f"cannot make the folder {tmp_path}/file/ferrule/run/web: Not a directory")
    assert hint == "set XDG_STATE_HOME to another folder"


def image_of_source(source: str, folder: Path, **run: object) -> None:
    """An image of one static program of C, as a layout in the folder."""
    program = folder / "program"
    program.with_suffix(".c").write_text(source)
    compiler = ("gcc", "-static", "-o", str(program), f"{program}.c")
    compiled = SystemRunner().run(Command(argv=compiler, env={"PATH": os.defpath}))
    assert compiled.ok, compiled.stderr
    layer = tar_of([entry("program", program.read_bytes(), mode=0o755)])
    image_of(folder / "image", [layer], Entrypoint=["/program"], **run)


@pytest.mark.parametrize("code", [137, 0])
def test_a_program_that_was_killed_is_said_to_be(
    code: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image_of_source(f"int main(void) {{ return {code}; }}\n", tmp_path)
    assert run(["run", *SANDBOX, f"oci:{tmp_path}/image"]) == code
    assert ("warning: it was killed: " in capfd.readouterr().err) is (code == 137)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_it_becomes_healthy_leaves_nothing(tmp_path: Path, number: int) -> None:
    labels = {"ferrule.health.path": "/", "ferrule.health.port": "1"}
    image_of_source(SLEEPER, tmp_path, Labels=labels)
    words = ("-m", "ferrule", "run", *SANDBOX, f"oci:{tmp_path}/image", "-d", "--name", "web", "--wait")
    with (tmp_path / "said").open("wb") as out:
        ours = SystemRunner().attached(Command(argv=(sys.executable, *words)), stdout=out, stderr=out)
    while "what it writes" not in (tmp_path / "said").read_text():
        assert not ours.ended()
        time.sleep(0.01)
    ours.signal(number)
    assert ours.wait() == 130
    assert list((tmp_path / "state" / "ferrule" / "run").iterdir()) == []
