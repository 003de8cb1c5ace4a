"""Below what cargo says stands the line that helps: in a pipe and at a terminal."""

import os
import subprocess  # noqa: TID251 - a terminal as stderr needs a process of its own
import sys
import termios
from pathlib import Path

import pytest

from tests.cargo_projects import write_project

pytestmark = pytest.mark.real
FILES = {"build.rs": 'fn main() { panic!("Missing dependency: cmake") }\n'}
CAUSE = "hello needs cmake, which is not installed"
HINT = "install cmake (Debian, Fedora, Alpine)"


def build(project: Path, stderr: int) -> "subprocess.Popen[bytes]":
    hidden = ("CI", "NO_COLOR", "TERM", "CARGO_TERM_COLOR", "CARGO_TERM_PROGRESS_WHEN")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    env = {**kept, "TERM": "xterm", "FERRULE_CACHE_DIR": str(project / "cache")}
    argv = (sys.executable, "-m", "ferrule", "build", str(project))
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=stderr, env=env)


def test_in_a_pipe_the_cause_is_the_last_line_but_one(tmp_path: Path) -> None:
    run = build(write_project(tmp_path, FILES), subprocess.PIPE)
    *above, cause, hint = run.communicate()[1].decode().splitlines()
    assert run.returncode == 4
    assert any(line.startswith("error: failed to run custom build command for `hello") for line in above)
    assert "  Missing dependency: cmake" in above
    assert "\x1b" not in "".join(above)
    assert (cause, hint) == (f"error: {CAUSE}", f"hint: {HINT}")


def test_at_a_terminal_cargo_keeps_its_colours_and_its_progress(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    run = build(write_project(tmp_path, FILES), theirs)
    os.close(theirs)
    shown = b""
    with open(ours, "rb", buffering=0) as screen:  # noqa: PTH123 - no path
        while data := _read(screen.fileno()):
            shown += data
    assert run.wait() == 4
    assert b"Building\x1b[0m [" in shown
    assert b"\x1b[1m\x1b[91merror" in shown
    assert f"\x1b[31;1merror:\x1b[0m {CAUSE}\r\n\x1b[36mhint:\x1b[0m {HINT}\r\n".encode() in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
