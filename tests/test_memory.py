"""A table in a file: what is kept, what is forgotten, and files that somebody else has written."""

from pathlib import Path

import pytest

from ferrule.memory import MOST, Memory


def test_another_run_recalls_what_one_has_remembered(tmp_path: Path) -> None:
    Memory(tmp_path / "folder" / "table.json").remember("a", ["b", 1])
    assert Memory(tmp_path / "folder" / "table.json").recall("a") == ["b", 1]
    assert Memory(tmp_path / "folder" / "table.json").recall("b") is None


def test_the_oldest_is_forgotten(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "table.json")
    for number in range(MOST + 1):
        memory.remember(str(number), number)
    assert memory.recall("0") is None
    assert [memory.recall(str(number)) for number in range(1, MOST + 1)] == [*range(1, MOST + 1)]


def test_what_is_known_already_is_not_written_again(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "table.json")
    memory.remember("a", {"b": "c"})
    before = (tmp_path / "table.json").stat()
    memory.remember("a", {"b": "c"})
    assert (tmp_path / "table.json").stat() == before


@pytest.mark.parametrize("text", ["", "[", "[]", "1", '"a"', "\0", "{", "[" * 100_000])
def test_a_file_that_is_broken_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "table.json").write_text(text)
    memory = Memory(tmp_path / "table.json")
    assert memory.recall("a") is None
    memory.remember("a", "b")
    assert memory.recall("a") == "b"


def test_a_place_where_nothing_can_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = Memory(tmp_path / "file" / "table.json")
    memory.remember("a", "b")
    assert memory.recall("a") is None
