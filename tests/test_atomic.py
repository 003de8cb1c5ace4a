import os
import subprocess  # noqa: TID251 - processes of their own, to be killed
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.atomic import appearing, locked, scratch
from ferrule.errors import OutputError


def test_a_file_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    place = tmp_path / "new" / "file"
    with appearing(place) as part:
        part.write_text("whole")
        assert not place.exists()
    assert place.read_text() == "whole"
    assert [path.name for path in place.parent.iterdir()] == ["file"]


def test_no_pipe_and_no_device_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for name in ("pipe", "null"):
        before = (tmp_path / name).lstat()
        with pytest.raises(OutputError, match=f"cannot write .*/{name}: it is a folder, a pipe or"):
            write_to(tmp_path / name)
        assert os.path.samestat(before, (tmp_path / name).lstat())


def write_to(place: Path) -> None:
    with appearing(place) as part:
        part.write_text("new")


def test_a_name_may_be_as_long_as_any(tmp_path: Path) -> None:
    name = "ü" * 127
    for text in ("old", "new"):
        with appearing(tmp_path / name) as part:
            part.write_text(text)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "new")]


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


def a_pipe(place: Path) -> None:
    os.mkfifo(place)


def a_link_to_a_device(place: Path) -> None:
    place.symlink_to("/dev/null")


def a_link_to_our_output(place: Path) -> None:
    place.symlink_to("/proc/self/fd/1")


@pytest.mark.parametrize("make", [a_pipe, a_link_to_a_device, a_link_to_our_output])
def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "place")
    before = (tmp_path / "place").lstat()
    with pytest.raises(OutputError, match="a pipe or a device"), appearing(tmp_path / "place"):
        pass
    assert os.path.samestat(before, (tmp_path / "place").lstat())
    assert names(tmp_path) == ["place"]


def child(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Another process, which has said a line when this returns."""
    argv = (sys.executable, "-c", f"import sys, time\nfrom pathlib import Path\n{code}", *map(str, arguments))
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


WRITES = """
from ferrule.atomic import appearing
with appearing(Path(sys.argv[1])) as part:
    part.write_text("half")
    print("there", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_writer_left_is_removed_by_the_next_and_a_living_one_s_is_not(tmp_path: Path) -> None:
    place = tmp_path / "file"
    killed, living = child(WRITES, place), child(WRITES, place)
    killed.kill()
    killed.communicate()
    assert len(names(tmp_path)) == 2
    with appearing(place) as part:
        part.write_text("whole")
        assert len(names(tmp_path)) == 2
    assert place.read_text() == "whole"
    assert living.communicate("")[0] == ""
    assert names(tmp_path) == ["file"]
    assert place.read_text() == "half"


HOLDS = """
from ferrule.atomic import locked
with locked(Path(sys.argv[1])):
    print("there", flush=True)
    sys.stdin.read()
    Path(sys.argv[2]).write_text("done")
"""


def test_a_locked_folder_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    holder = child(HOLDS, tmp_path / "folder", tmp_path / "mark")
    threading.Timer(0.2, holder.communicate, ("",)).start()
    with locked(tmp_path / "folder"):
        assert (tmp_path / "mark").read_text() == "done"


def test_nothing_stays_locked_after_a_kill(tmp_path: Path) -> None:
    holder = child(HOLDS, tmp_path, tmp_path / "mark")
    holder.kill()
    holder.communicate()
    with locked(tmp_path):
        assert names(tmp_path) == []


def test_a_folder_that_is_replaced_while_it_is_waited_for_is_locked_in_its_new_form(tmp_path: Path) -> None:
    place = tmp_path / "folder"
    place.mkdir()
    holder = child(HOLDS, place, tmp_path / "mark")

    def replace() -> None:
        place.rename(tmp_path / "old")
        place.mkdir()
        holder.communicate("")

    threading.Timer(0.2, replace).start()
    with locked(place):
        second = child(LOCKED_NOW, place)
        second.communicate()
        assert second.returncode == IS_LOCKED


LOCKED_NOW = """
import fcntl, os
print("there", flush=True)
held = os.open(sys.argv[1], os.O_RDONLY)
try:
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(75)
"""
IS_LOCKED = 75

SCRATCHES = """
from ferrule.atomic import scratch
with scratch(Path(sys.argv[1])) as place:
    (place / "large").write_text("half")
    print("there", flush=True)
    sys.stdin.read()
"""


def test_scratch_folders_go_at_their_end_and_those_of_the_killed_with_the_next(tmp_path: Path) -> None:
    parent = tmp_path / "tmp"
    killed, living = child(SCRATCHES, parent), child(SCRATCHES, parent)
    killed.kill()
    killed.communicate()
    with scratch(parent) as place:
        assert place.stat().st_mode & 0o777 == 0o700
        assert len(names(parent)) == 2
    living.communicate("")
    assert names(parent) == []
