"""Where command lines of these tests run: an image that those of `inspect` look at, or a project."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cli.app import run
from tests.cargo_projects import manifest, write_project
from tests.fakes.images import entry, folder, image_of, link, tar_of
from tests.fakes.report import without_slow_steps

Ferrule = Callable[..., str]
Refused = Callable[..., tuple[int, str, str]]
InProject = Callable[..., tuple[int, str, str]]

CONTRACT = '[package.metadata.ferrule.env]\nRUST_LOG = "info"\nAPP_URL = { required = true, type = "url" }\n'

LOWER = tar_of(
    [
        folder("etc"),
        entry("etc/os-release", b'NAME=Tiny\nPRETTY_NAME="Tiny 1 (test)"\n'),
        entry("etc/shadow", b"s" * 40, mode=0o640, gid=42),
        entry("app/tool", b"t" * 2000, mode=0o4755),
        link("bin", "usr/bin"),
    ]
)
UPPER = tar_of([entry("app/tool", b"u" * 1500, mode=0o755), entry("etc/.wh.shadow"), folder("tmp", 0o1777)])
RUN = {
    "User": "65532:65532",
    "Entrypoint": ["/app/tool", "two words"],
    "Cmd": ["serve"],
    "Env": ["RUST_LOG=info", "MODE=prod"],
    "ExposedPorts": {"3000/tcp": {}},
    "WorkingDir": "/app",
    "StopSignal": "SIGINT",
    "Labels": {"title": "tool"},
}


@pytest.fixture
def ferrule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ferrule:
    """Runs a command line in the test's folder and gives what it writes to stdout; `layout` is an image."""
    monkeypatch.chdir(tmp_path)
    image_of(tmp_path / "layout", [LOWER, UPPER], **RUN)
    capsys.readouterr()

    def call(*arguments: str) -> str:
        code = run([*arguments])
        out, err = capsys.readouterr()
        assert (code, without_slow_steps(err)) == (0, "")
        return out

    return call


@pytest.fixture
def refused(ferrule: Ferrule, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs a command line that must fail; gives the exit code, the error and the hint."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments])
        out, err = capsys.readouterr()
        error, hint = without_slow_steps(err).splitlines()
        assert (out, error[:7], hint[:6]) == ("", "error: ", "hint: ")
        return code, error[7:], hint[6:]

    return call


def running(capsys: pytest.CaptureFixture[str]) -> InProject:
    """Runs a command line; gives exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def in_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> InProject:
    """Runs a command line in a project; gives exit code, stdout and stderr."""
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    project = write_project(tmp_path / "shop", {"Cargo.toml": manifest(extra=CONTRACT)})
    monkeypatch.chdir(project)
    return running(capsys)


@pytest.fixture
def without_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> InProject:
    """Runs a command line beside a project; gives exit code, stdout, stderr, which never hold the secret."""
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("APP_URL", "APP_PORT", "APP_ENV"):
        monkeypatch.delenv(name, raising=False)

    plain = running(capsys)

    def call(*arguments: str) -> tuple[int, str, str]:
        code, out, err = plain(*arguments)
        assert "hunter2" not in out + err
        return code, out, err

    return call


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A file at the root of that project, which one kind writes."""
    return tmp_path / "shop" / ".env.example"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder to work in, with cache and temporary files beside it."""
    for name in ("place", "cache", "temporary"):
        (tmp_path / name).mkdir()
    return tmp_path / "place"
