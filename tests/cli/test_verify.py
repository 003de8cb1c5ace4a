"""`ferrule verify` as it is called: its screen, its JSON, its exit codes, and what it never shows."""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cli.app import run
from ferrule.process import Command, SystemRunner
from tests.cargo_projects import manifest, write_project
from tests.fakes.images import entry, folder, image_of, tar_of, write_layout_of
from tests.fakes.report import without_slow_steps
from tests.parts.compile import compiled

SERVICE = Path(__file__).parents[1] / "verify" / "service.c"
SECRET = "correct-horse-battery"

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    made = compiled(
        tmp_path_factory.mktemp("service"), "service.c", SERVICE.read_text(), "-static", "-Os", "-s"
    )
    return made.read_bytes()


@pytest.fixture
def ferrule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Runs `ferrule verify` with the sandbox, in a folder of its own; gives exit code, stdout and stderr."""
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        code = run(["verify", "--engine", "sandbox", "--settle", "0.1", *words])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


def layout(place: Path, service: bytes, *words: str) -> str:
    """An image of the service that tests/verify has, by name."""
    layer = tar_of((folder("tmp", 0o1777), entry("service", service, mode=0o755)))
    image_of(
        place,
        [layer],
        Entrypoint=["/service"],
        Cmd=list(words),
        User="65532:65532",
        ExposedPorts={"3000/tcp": {}},
        Healthcheck={"Test": ["CMD", "/service", "check"]},
    )
    return f"oci:{place}"


def test_a_good_image_is_exit_code_0_and_a_line_for_each_check(
    ferrule: Call, service: bytes, tmp_path: Path
) -> None:
    code, out, err = ferrule(layout(tmp_path / "image", service))
    assert (code, without_slow_steps(err)) == (0, f"verifying oci:{tmp_path}/image with sandbox\n")
    lines = [line.split() for line in out.splitlines()]
    assert [line[:2] for line in lines] == [["ok", name] for name in ("health", "ports", "memory", "stop")]
    assert "it listens on 0.0.0.0:3000" in out
    assert not list(tmp_path.glob("ferrule-*"))


def test_a_broken_one_is_exit_code_6_with_its_last_lines_and_what_to_do(
    ferrule: Call, service: bytes, tmp_path: Path
) -> None:
    code, out, err = ferrule(layout(tmp_path / "image", service, "bind=127.0.0.1"))
    assert code == 6
    assert "FAILED  ports   it listens on 127.0.0.1:3000 only" in out
    assert "listening on 127.0.0.1 port 3000\nsignal 15\n" in err
    error, hint = err.splitlines()[-2:]
    only = "it listens on 127.0.0.1:3000 only: nobody outside the container reaches it"
    assert error == f"error: oci:{tmp_path}/image is not fit to run: {only}"
    assert hint == "hint: listen on 0.0.0.0:3000 or [::]:3000"


def test_json_has_every_check_with_its_measures(ferrule: Call, service: bytes, tmp_path: Path) -> None:
    code, out, _ = ferrule(layout(tmp_path / "image", service, "term=none"), "--json", "--grace", "0.5")
    assert code == 6
    found = json.loads(out)
    assert (found["version"], found["engine"], found["ok"]) == (1, "sandbox", False)
    assert found["digest"].startswith("sha256:")
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["health"]["seconds"] > 0
    assert checks["memory"]["bytes"] > 0
    assert checks["ports"]["listens"] == ["0.0.0.0:3000"]
    assert (checks["stop"]["ok"], checks["stop"]["killed"], checks["stop"]["code"]) == (False, True, 137)
    assert "listening" in found["last_lines"]


def test_a_variable_reaches_the_program_and_a_secret_one_no_output(
    ferrule: Call, service: bytes, tmp_path: Path
) -> None:
    image = layout(tmp_path / "image", service, "show=API_TOKEN", "exit=3")
    file = tmp_path / "own.env"
    file.write_text(f"API_TOKEN={SECRET}\n")
    for words in (("--json",), ("-v",)):
        code, out, err = ferrule(image, "--env-file", str(file), *words)
        assert code == 6
        assert "API_TOKEN is ***" in out + err
        assert SECRET not in out + err


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (("/nowhere",), 2, "there is no /nowhere"),
        (("oci:nowhere",), 5, "nowhere"),
        ((".", "--memory", "much"), 2, "'much' is not a size"),
        ((".", "--grace", "0"), 2, "Invalid value for '--grace'"),
        ((".", "--wait-timeout", "-1"), 2, "Invalid value for '--wait-timeout'"),
        ((".", "--env", "=1"), 2, "'' is not the name of a variable"),
        ((".",), 3, "Cargo.toml"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_hint(
    ferrule: Call, words: tuple[str, ...], code: int, cause: str
) -> None:
    got, out, err = ferrule(*words)
    error, hint = err.splitlines()[-2:]
    assert (got, out) == (code, "")
    assert error.startswith("error: ")
    assert cause in error
    assert hint.startswith("hint: ")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ((), "the contract requires TOKEN, and there is no value for it here"),
        (("-e", "TOKEN=x", "-e", "PORT=many"), "PORT is not a port"),
        (("-e", "TOKEN=x", "--engine", "docker"), "docker does not answer"),
    ],
)
def test_what_would_stop_it_afterwards_stops_it_before_the_build(
    ferrule: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], cause: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    contract = "[package.metadata.ferrule.env]\nTOKEN = { required = true }\nPORT = { type = 'port' }\n"
    place = write_project(tmp_path / "shop", {"Cargo.toml": manifest(extra=contract)})
    _, out, err = ferrule(str(place), *words)
    assert out == ""
    assert err.startswith(f"error: {cause}")
    assert not (place / "target").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_the_program_and_leaves_nothing(service: bytes, tmp_path: Path, number: int) -> None:
    image = layout(tmp_path / "image", service, "silent=1")
    (tmp_path / "roots").mkdir()
    argv = (sys.executable, "-m", "ferrule", "verify", "--engine", "sandbox", "--wait-timeout", "60", image)
    env = {"TMPDIR": str(tmp_path / "roots"), "FERRULE_CACHE_DIR": str(tmp_path / "cache")}
    with (tmp_path / "said").open("wb") as out:
        ours = SystemRunner().attached(Command(argv=argv, env=env), stdout=out, stderr=out)
    while not list(tmp_path.glob("roots/ferrule-run-*/program")):
        assert not ours.ended()
        time.sleep(0.01)
    ours.signal(number)
    if number == signal.SIGKILL:
        assert ours.wait() == -number
        deadline = time.monotonic() + 60
        while list((tmp_path / "roots").iterdir()):  # the guard is at it
            assert time.monotonic() < deadline
            time.sleep(0.01)
    else:
        assert ours.wait() == 130
        assert list((tmp_path / "roots").iterdir()) == []
        assert "error: interrupted" in (tmp_path / "said").read_text()


def test_an_image_for_another_processor_alone_is_refused(
    ferrule: Call, service: bytes, tmp_path: Path
) -> None:
    write_layout_of(tmp_path / "image", {"s390x": ((tar_of((entry("service", service, mode=0o755),)),), {})})
    code, out, err = ferrule(f"oci:{tmp_path}/image")
    assert (code, out) == (6, "")
    assert "error: the image is for linux/s390x, and this machine is linux/" in err
