"""Where command lines of these tests run."""

from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder to work in, with cache and temporary files beside it."""
    for name in ("place", "cache", "temporary"):
        (tmp_path / name).mkdir()
    return tmp_path / "place"
