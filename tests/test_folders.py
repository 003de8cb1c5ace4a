"""Where temporary files lie, found out without writing one, and users without a home."""

import os
from pathlib import Path

import pytest

from ferrule.errors import ProjectError
from ferrule.folders import cache_folder, config_file, home_folder, state_folder, temporary_folder


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


def test_a_user_without_a_home_has_no_cache_and_nothing_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "FERRULE_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_123)  # no entry in /etc/passwd
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match=r"^user 4000000123 has no home folder$"):
        cache_folder()
    with pytest.raises(ProjectError, match=r"^user 4000000123 has no home folder$"):
        state_folder()
    assert not home_folder().exists()
    assert not config_file().exists()
    assert list(tmp_path.iterdir()) == []
