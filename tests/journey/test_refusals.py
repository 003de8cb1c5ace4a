"""Registries that refuse: exit code 5, the cause, and what to do, with nothing pushed."""

import json
import os
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.ferrule import SHOP, ferrule
from tests.parts.registry import RunningRegistry, htpasswd_registry

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with htpasswd_registry(tmp_path_factory.mktemp("locked")) as registry:
        yield registry


def refused(*arguments: str, env: dict[str, str]) -> tuple[str, str]:
    """The cause and the hint of a command that must end with exit code 5."""
    argv = (sys.executable, "-m", "ferrule", *arguments)
    finished = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True)
    assert (finished.returncode, finished.stdout) == (5, ""), finished.stderr
    cause, hint = finished.stderr.splitlines()[-2:]
    return cause, hint


@pytest.mark.parametrize("login", [None, ("somebody", "wrong")])
def test_a_push_without_the_right_login_is_exit_code_5(
    locked: RunningRegistry, tmp_path: Path, login: tuple[str, str] | None
) -> None:
    if login:
        given = {"auths": {locked.host: {"username": login[0], "password": login[1]}}}
        (tmp_path / "config.json").write_text(json.dumps(given))
    env = {
        "DOCKER_CONFIG": str(tmp_path),
        "HOME": str(tmp_path),
        "CARGO_HOME": cargo_home(),
        "RUSTUP_HOME": rustup_home(),
    }
    cause, hint = refused("build", str(SHOP), "--push", "--image", f"{locked.host}/acme/shop", env=env)
    assert cause.startswith("error: ")
    assert locked.host in cause
    assert "docker login" in hint
    assert "wrong" not in cause + hint


def test_a_base_that_the_registry_does_not_have_is_exit_code_5(registry: str) -> None:
    cause, _ = refused("build", str(SHOP), "--base", f"{registry}/no/such:base", env={})
    assert cause == f"error: {registry}/no/such has no image base"


def test_the_last_good_image_stays(registry: str) -> None:
    before = ferrule("build", str(SHOP))
    refused("build", str(SHOP), "--base", f"{registry}/no/such:base", env={})
    assert Path(before.removeprefix("oci:").rpartition(":")[0], "index.json").is_file()


def cargo_home() -> str:
    return os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))


def rustup_home() -> str:
    return os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
