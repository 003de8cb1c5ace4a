import time
from pathlib import Path

import pytest

from ferrule.errors import FerruleError
from ferrule.process import Command, ProgramMissingError, Stop, SystemRunner

PATIENCE_SECONDS = 60


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


def test_lines_come_as_they_are_written(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def hear(line: bytes) -> None:
        seen.append(line)
        (tmp_path / "heard").touch()

    # Its second line is written when the first has been heard, or after a minute.
    script = "echo a; for i in $(seq 1200); do test -e heard && echo b && exit; sleep 0.05; done"
    SystemRunner().stream(Command(argv=("sh", "-c", script), cwd=tmp_path), hear)
    assert seen == [b"a\n", b"b\n"]


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
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_an_interrupt_ends_the_program_too(tmp_path: Path) -> None:
    # It has read all that we say, so we are waiting for its end when it interrupts us.
    script = "cat >/dev/null; echo $$ >number; kill -INT $PPID; exec sleep 600"
    with pytest.raises(KeyboardInterrupt):
        SystemRunner().run(Command(argv=("sh", "-c", script), cwd=tmp_path, stdin=b"go on"))
    assert not alive(int((tmp_path / "number").read_text()))


def test_a_command_prints_as_a_shell_would_take_it() -> None:
    assert str(Command(argv=("a", "b c", "d'e"))) == """a 'b c' 'd'"'"'e'"""
