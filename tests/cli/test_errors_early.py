"""What could not be delivered, loaded or waited for after a build is refused before it."""

from pathlib import Path

import pytest

from ferrule.cli.app import run
from tests.cli.test_errors import Ferrule, ferrule, project

__all__ = ["ferrule", "project"]


@pytest.mark.parametrize("kind", ["docker-archive", "binary"])
def test_what_is_no_file_is_replaced_by_none_and_refused_before_anything_is_built(
    ferrule: Ferrule, project: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "null").symlink_to("/dev/null")  # as /dev/stdout is a link to a pipe
    for place in (tmp_path, tmp_path / "null"):
        code, cause, _ = ferrule("build", project, "--output", f"{kind}:{place}")
        assert (code, cause) == (1, f"cannot write {place}: it is a folder, a pipe or a device")
    assert (tmp_path / "null").is_symlink()
    assert not (project / "target").exists()


@pytest.mark.parametrize("engine", ["auto", "docker", "podman", "sandbox"])
def test_a_variable_for_run_does_not_keep_others_from_working(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("FERRULE_ENGINE", engine)
    assert run(["plan", str(project)]) == 0


def test_nothing_is_built_that_could_not_be_waited_for(ferrule: Ferrule, project: Path) -> None:
    code, cause, _ = ferrule("run", "--engine", "sandbox", project, "--wait")
    assert (code, cause) == (2, "--wait needs a health path")
    assert not (project / "target").exists()


def test_nothing_is_loaded_into_the_sandbox(ferrule: Ferrule, project: Path) -> None:
    code, cause, hint = ferrule("build", project, "--load", "--engine", "sandbox")
    assert (code, cause) == (2, "images cannot be loaded into 'sandbox'")
    assert hint == "choose docker or podman"
    assert not (project / "target").exists()


@pytest.mark.parametrize("name", ["nope", "n" * 300, "n" * 5000])
def test_a_folder_that_is_not_there_is_not_the_project_around_it(
    ferrule: Ferrule, project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(project)
    assert ferrule("plan", name)[:2] == (3, f"there is no {name}")
    assert ferrule("plan", f"{name}/Cargo.toml")[:2] == (3, f"there is no Cargo.toml in {name}")
