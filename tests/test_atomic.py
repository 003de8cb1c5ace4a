from pathlib import Path

import pytest

from ferrule.atomic import appearing
from ferrule.errors import OutputError


def test_a_file_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    place = tmp_path / "new" / "file"
    with appearing(place) as part:
        part.write_text("whole")
        assert not place.exists()
    assert place.read_text() == "whole"
    assert [path.name for path in place.parent.iterdir()] == ["file"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(RuntimeError), appearing(tmp_path / "file") as part:
        fail_after_writing(part)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def fail_after_writing(part: Path) -> None:
    part.write_text("half")
    raise RuntimeError


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught, appearing(tmp_path / "file" / "below"):
        pass
    assert caught.value.message.startswith(f"cannot write {tmp_path / 'file' / 'below'}: ")
