"""The compiled init: signals reach the program, exit codes come back, and orphans are waited for."""

import os
import pty
import shutil
import signal
import subprocess  # noqa: TID251 - signals, terminals and process numbers are under test
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.parts.need import need
from tests.probe.conftest import Tool

pytestmark = pytest.mark.real
PATIENCE_SECONDS = 60.0
FORWARDED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTERM", "SIGCONT")
SHOWS_SIGNALS = """
trap 'echo $name; exit 7' $name
echo ready
while :; do sleep 0.05; done
"""


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137)],
)
def test_the_exit_code_is_the_program_s(init: Tool, script: str, code: int) -> None:
    assert init("--", "/bin/sh", "-c", script) == (code, "")


def test_arguments_and_variables_reach_the_program(init: Tool) -> None:
    script = 'echo "$0 $# $3 $PROBE_TEST"'
    os.environ["PROBE_TEST"] = "passed on"
    try:
        assert init("--", "/bin/sh", "-c", script, "a", "", "-- b", "c d") == (0, "a 3 c d passed on\n")
        assert init("/bin/echo", "without the two dashes") == (0, "without the two dashes\n")
    finally:
        del os.environ["PROBE_TEST"]


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("/nowhere", 127, "init: /nowhere: no such file or directory\n"),
        ("/etc/passwd", 126, "init: /etc/passwd: permission denied\n"),
        ("{text}", 126, "init: {text}: exec format error\n"),
    ],
)
def test_a_program_that_cannot_start_is_named(
    init: Tool, tmp_path: Path, program: str, code: int, said: str
) -> None:
    text = tmp_path / "text"
    text.write_text("no program\n")
    text.chmod(0o755)
    assert init("--", program.format(text=text)) == (code, said.format(text=text))


@pytest.mark.parametrize("words", [(), ("--",)])
def test_nothing_to_start_is_answered_with_how(init: Tool, words: tuple[str, ...]) -> None:
    assert init(*words) == (1, "usage: init -- PROGRAM [ARGUMENT]...\n")


def test_every_signal_is_handed_on(compiled: Callable[[str, str], Tool]) -> None:
    init = compiled("init", "amd64")
    for name in FORWARDED:
        script = SHOWS_SIGNALS.replace("$name", name.removeprefix("SIG"))
        argv = init.argv("--", "/bin/sh", "-c", script)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.Signals[name])
            assert process.stdout.read() == f"{name.removeprefix('SIG')}\n"
        assert process.returncode == 7, name


def test_under_an_emulator_a_signal_is_handed_on_too(compiled: Callable[[str, str], Tool]) -> None:
    argv = compiled("init", "arm64").argv("--", "/bin/sh", "-c", SHOWS_SIGNALS.replace("$name", "TERM"))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.read() == "TERM\n"
    assert process.returncode == 7


def test_a_signal_without_a_handler_ends_the_program_which_it_would_not_as_process_one(
    compiled: Callable[[str, str], Tool],
) -> None:
    need(shutil.which("unshare"), "unshare")
    need(os.geteuid() == 0, "the right to make a namespace (root)")
    init = compiled("init", "amd64")
    sleeper = ("/bin/sleep", "60")
    with alone(init.argv("--", *sleeper)) as (process, first):
        until(lambda: [name(child) for child in children(first)] == ["sleep"])
        os.kill(first, signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 143
    with alone(sleeper) as (process, first):
        until(lambda: name(first) == "sleep")
        os.kill(first, signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()


@contextmanager
def alone(argv: tuple[str, ...]) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """A program in a namespace of its own, and the number that its process 1 has out here."""
    unshare = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    with subprocess.Popen((*unshare, *argv)) as process:
        until(lambda: bool(children(process.pid)))
        yield process, children(process.pid)[0]


def name(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text().strip()


def children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


def test_orphans_are_waited_for_also_where_another_is_process_one(
    compiled: Callable[[str, str], Tool],
) -> None:
    orphans = "for i in 1 2 3; do (sleep 0.1 & ); done; echo ready; sleep 60"
    argv = compiled("init", "amd64").argv("--", "/bin/sh", "-c", orphans)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        program = children(process.pid)[0]
        until(lambda: children(process.pid) == [program])  # neither orphans nor zombies are left
        os.kill(program, signal.SIGKILL)
        assert process.wait(PATIENCE_SECONDS) == 137


def test_the_program_has_the_terminal(compiled: Callable[[str, str], Tool]) -> None:
    init = compiled("init", "amd64")
    process, terminal = pty.fork()
    if process == 0:
        script = "trap 'echo interrupted; exit 5' INT; read answer; echo got $answer; sleep 60"
        os.execv(init.path, init.argv("--", "/bin/sh", "-c", script))
    os.write(terminal, b"a line\n")
    seen = b""
    while b"got a line" not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    _, ended = os.waitpid(process, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(ended) == 5
