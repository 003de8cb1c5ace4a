"""Where temporary files lie, found out without writing one, and users without a home."""

import os
import sys
from pathlib import Path

import pytest

from ferrule.errors import ProjectError
from ferrule.folders import temporary_folder
from ferrule.process import Command, Finished, SystemRunner
from tests.fakes.images import entry, image_of, tar_of


def test_the_first_that_can_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert temporary_folder() == tmp_path
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    assert temporary_folder() == Path("/tmp")
    monkeypatch.setenv("TMP", str(tmp_path))
    assert temporary_folder() == tmp_path


def test_a_user_without_a_home_has_nothing_set_up_and_is_told_what_to_set(tmp_path: Path) -> None:
    """As a container may have one: a number with no entry in /etc/passwd."""

    def run(*arguments: str, **env: str) -> Finished:
        user = ("unshare", "--user", "--map-user=4000000123", "--")
        clean = (
            "env",
            "-i",
            f"PATH={os.environ['PATH']}",
            *(f"{name}={value}" for name, value in env.items()),
        )
        return SystemRunner().run(Command(argv=(*user, *clean, *arguments), cwd=tmp_path))

    ferrule = (sys.executable, "-m", "ferrule", "inspect", "oci:layout")
    finished = run(*ferrule)
    assert (finished.returncode, finished.stdout) == (ProjectError.exit_code, b"")
    assert finished.stderr.decode() == (
        "error: user 4000000123 has no home folder\nhint: set HOME, or FERRULE_CACHE_DIR\n"
    )
    image_of(tmp_path / "layout", [tar_of([entry("etc/x")])])
    assert run(*ferrule, FERRULE_CACHE_DIR=str(tmp_path / "cache")).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"layout", "cache"}
