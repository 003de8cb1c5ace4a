import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ferrule.errors import FerruleError
from ferrule.process import Command, ProgramMissingError, Stop, SystemRunner


def test_a_command_gives_its_output_and_code() -> None:
    finished = SystemRunner().run(Command(argv=("sh", "-c", "cat; echo err >&2; exit 3"), stdin=b"in"))
    assert (finished.stdout, finished.stderr, finished.returncode, finished.ok) == (b"in", b"err\n", 3, False)


def test_variables_are_added_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONE", "1")
    command = Command(argv=("sh", "-c", 'echo "$NEW,$GONE"'), env={"NEW": "x", "GONE": None})
    assert SystemRunner().run(command).stdout == b"x,\n"


def test_a_missing_program_and_a_missing_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissingError, match="`no-such-program` is not installed"):
        SystemRunner().run(Command(argv=("no-such-program",)))
    with pytest.raises(FerruleError, match="is not there"):
        SystemRunner().run(Command(argv=("true",), cwd=tmp_path / "nope"))
    (tmp_path / "plain").write_text("x")
    with pytest.raises(FerruleError, match="cannot start"):
        SystemRunner().run(Command(argv=(str(tmp_path / "plain"),)))


def test_lines_come_as_they_are_written() -> None:
    seen: list[tuple[bytes, float]] = []
    started = time.monotonic()
    command = Command(argv=("sh", "-c", "echo a; sleep 0.3; echo b"))
    SystemRunner().stream(command, lambda line: seen.append((line, time.monotonic() - started)))
    assert [line for line, _ in seen] == [b"a\n", b"b\n"]
    assert seen[1][1] - seen[0][1] > 0.2


def test_a_handler_that_has_seen_enough_ends_the_program_and_its_children() -> None:
    pids: list[int] = []

    def hear(line: bytes) -> None:
        pids.append(int(line))
        raise Stop

    SystemRunner().stream(Command(argv=("sh", "-c", "sleep 60 & echo $!; wait")), hear)
    assert not alive(pids[0])
    deaf = "sh -c 'trap \"\" TERM; echo $$; exec sleep 60' & wait"
    SystemRunner().stream(Command(argv=("sh", "-c", deaf)), hear)
    assert not alive(pids[1])


def alive(pid: int) -> bool:
    """Whether the process is there and no zombie that waits for its parent."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_an_interrupt_ends_the_program_too() -> None:
    started = time.monotonic()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        SystemRunner().run(Command(argv=("sleep", "60")))
    assert time.monotonic() - started < 10


def test_a_command_prints_as_a_shell_would_take_it() -> None:
    assert str(Command(argv=("a", "b c", "d'e"))) == """a 'b c' 'd'"'"'e'"""
