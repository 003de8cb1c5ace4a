"""Programs that run beside us, as the sandbox and the tests' servers do."""

import signal
import sys
from pathlib import Path

import pytest

from ferrule.process import Command, ProgramMissingError, SystemRunner


def python(code: str, stdin: bytes = b"") -> Command:
    return Command(argv=(sys.executable, "-c", code), stdin=stdin)


def test_it_writes_to_the_streams_that_it_is_given(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read()); print('no', file=sys.stderr); sys.exit(3)"
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        program = SystemRunner().attached(python(code, b"yes"), stdout=out, stderr=err)
        assert program.wait() == 3
    assert program.ended()
    assert (tmp_path / "out").read_text() == "yes\n"
    assert (tmp_path / "err").read_text() == "no\n"


def test_signals_reach_it_and_ctrl_c_at_the_terminal_does_not(tmp_path: Path) -> None:
    code = "import os, time; print(os.getpgrp() == os.getpid(), flush=True); time.sleep(60)"
    with (tmp_path / "out").open("wb") as out:
        program = SystemRunner().attached(python(code), stdout=out, stderr=out)
        assert not program.ended()
        while not (tmp_path / "out").read_text():
            assert not program.ended()
        program.signal(signal.SIGTERM)
        assert program.wait() == -signal.SIGTERM
        program.signal(signal.SIGTERM)
    assert (tmp_path / "out").read_text() == "True\n"


def test_one_that_does_not_read_its_input_is_no_failure(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        program = SystemRunner().attached(python("", b"x" * 300_000), stdout=out, stderr=out)
        assert program.wait() == 0


def test_a_missing_program_is_told_at_once(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out, pytest.raises(ProgramMissingError, match="no-such-program"):
        SystemRunner().attached(Command(argv=("no-such-program",)), stdout=out, stderr=out)


def test_one_that_starts_ahead_waits_for_what_it_is_to_do(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        waiting = SystemRunner().ahead(python("print(input())"), stdout=out, stderr=out)
        program = waiting.tell(b"told\n")
        assert program.ended(within=60)
    assert program.wait() == 0
    assert (tmp_path / "out").read_text() == "told\n"


def test_one_that_starts_ahead_can_be_dropped(tmp_path: Path) -> None:
    code = "import sys; sys.stdin.read(); print('not told')"
    with (tmp_path / "out").open("wb") as out:
        SystemRunner().ahead(python(code), stdout=out, stderr=out).drop()
    assert (tmp_path / "out").read_text() == ""


def test_its_end_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        program = SystemRunner().attached(python("import time; time.sleep(60)"), stdout=out, stderr=out)
    assert not program.ended(within=0.01)
    program.signal(signal.SIGKILL)
    assert program.ended(within=60)
    assert program.wait() == -signal.SIGKILL
