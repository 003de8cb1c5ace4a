"""What cargo says goes to the person as it comes, and is kept; at a terminal cargo believes it is at one."""

import os
import signal
import subprocess  # noqa: TID251 - a terminal as stderr needs a process of its own
import sys

import pytest

from ferrule.overhear import MOST_KEPT
from ferrule.process import Command, Finished, SystemRunner


def stream(script: str) -> tuple[Finished, list[bytes]]:
    lines: list[bytes] = []
    command = Command(argv=("sh", "-c", script), talk=True)
    return SystemRunner().stream(command, lines.append), lines


def test_what_is_said_is_shown_and_kept(capfd: pytest.CaptureFixture[str]) -> None:
    finished, lines = stream("echo said >&2; echo line; printf rest; echo more >&2; exit 3")
    assert (finished.returncode, finished.stderr, lines) == (3, b"said\nmore\n", [b"line\n", b"rest"])
    assert capfd.readouterr().err == "said\nmore\n"


def test_what_is_said_before_a_line_is_shown_before_it(capfd: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []
    command = Command(argv=("sh", "-c", "for n in 1 2 3; do echo said $n >&2; echo line; done"), talk=True)
    SystemRunner().stream(command, lambda _: shown.append(capfd.readouterr().err))
    assert shown[0].startswith("said 1\n")


def test_only_the_end_of_a_long_speech_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    finished, lines = stream("head -c 3000000 /dev/zero >&2; echo end >&2; head -c 300000 /dev/zero; echo")
    assert len(finished.stderr) == MOST_KEPT
    assert finished.stderr.endswith(b"end\n")
    assert len(capfd.readouterr().err) == 3000004
    assert [len(line) for line in lines] == [300001]


def test_a_process_that_is_left_behind_holds_nobody_up(capfd: pytest.CaptureFixture[str]) -> None:
    finished, _ = stream("sleep 600 >/dev/null & echo $! >&2")
    os.kill(int(finished.stderr), signal.SIGKILL)  # an error were it not there any more


def test_a_reader_who_has_gone_does_not_stop_the_program() -> None:
    code = """
import os
from ferrule.process import Command, SystemRunner
finished = SystemRunner().stream(Command(argv=("sh", "-c", "echo said >&2; exit 4"), talk=True), print)
os._exit(finished.returncode)
"""
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        assert subprocess.run((sys.executable, "-c", code), stderr=theirs).returncode == 4
    finally:
        os.close(theirs)


def test_at_a_terminal_the_program_has_one_of_the_same_width() -> None:
    code = """
from ferrule.process import Command, SystemRunner
script = "test -t 2 && stty size <&2 && printf '\\\\033[1mbold\\\\n' >&2"
finished = SystemRunner().stream(Command(argv=("sh", "-c", script), talk=True), lambda line: print(line))
print(finished.stderr)
"""
    import termios

    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (33, 77))
    finished = subprocess.run((sys.executable, "-c", code), stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    assert finished.stdout.splitlines() == [rb"b'33 77\n'", rb"b'\x1b[1mbold\n'"]
    assert os.read(ours, 1000) == b"\x1b[1mbold\r\n"
    os.close(ours)
