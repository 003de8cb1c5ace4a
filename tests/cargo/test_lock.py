"""Two builds of one project at once: the second waits for cargo's lock, says so, and makes the same image."""

import json
import os
import subprocess  # noqa: TID251 - two whole runs at once
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cargo_projects import manifest, write_project

pytestmark = pytest.mark.real
PATIENCE_SECONDS = 300
BUILD_SCRIPT = """
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let mark = std::env::var("MARK").unwrap();
    std::fs::write(&mark, "").unwrap();
    for _ in 0..12000 {
        if !std::path::Path::new(&mark).exists() { return; }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
"""
"""Says that it runs by making a file, and goes on when that is gone."""


class Runs:
    """Runs of `ferrule build --json` for one project, the first of which is held up in its build script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = folder / "mark"
        self.project = write_project(folder / "project", {"Cargo.toml": manifest(), "build.rs": BUILD_SCRIPT})
        self._first = self._start("first", {})
        wait_until(self.mark.exists)

    def second(self, says: str, env: dict[str, str], *, terminal: bool = False) -> None:
        """Start another run, see what it says while it waits, and let both end."""
        second = self._start("second", env, terminal=terminal)
        wait_until(lambda: says in self.said("second"))
        assert second.poll() is None
        assert self._first.poll() is None
        self.mark.unlink()
        codes = [run.wait(PATIENCE_SECONDS) for run in (self._first, second)]
        assert codes == [0, 0], self.said("first") + self.said("second")
        # cargo locks a folder for build scripts and one for the target, and may say of each that it waits.
        assert all(says in line for line in self.waits("second")), self.waits("second")
        assert self.waits("first") == []

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.stderr").read_text()

    def waits(self, name: str) -> list[str]:
        """What it says of waiting, but for the cache of packages, which every cargo of the user shares."""
        lines = (line for line in self.said(name).splitlines() if "waiting for" in line)
        return [line for line in lines if "package cache" not in line]

    def digest(self, name: str) -> str:
        answer: str = json.loads((self.folder / f"{name}.stdout").read_text())["digest"]
        return answer

    def _start(self, name: str, env: dict[str, str], *, terminal: bool = False) -> "subprocess.Popen[bytes]":
        argv: tuple[str, ...] = (sys.executable, "-m", "ferrule", "build", str(self.project), "--json")
        if terminal:
            argv = (sys.executable, "-c", ON_A_TERMINAL, str(self.folder / f"{name}.stderr"), *argv)
        own = {"FERRULE_CACHE_DIR": str(self.folder / "cache"), "MARK": str(self.mark)}
        out, err = (self.folder / f"{name}.{stream}" for stream in ("stdout", "stderr"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            return subprocess.Popen(argv, env={**os.environ, **own, **env}, stdout=stdout, stderr=stderr)


ON_A_TERMINAL = """
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
process = subprocess.Popen(sys.argv[2:], stderr=theirs)
os.close(theirs)
with open(sys.argv[1], "wb", buffering=0) as log:
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:
            break
        if not data:
            break
        log.write(data)
sys.exit(process.wait())
"""
"""Runs a command with a terminal as its stderr, and writes to a file what appears there."""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


CARGO_S = "waiting for file lock on build directory"
OURS = "waiting for another build of this project"


@pytest.mark.parametrize(
    ("says", "env", "terminal"),
    [
        (CARGO_S, {}, False),
        (CARGO_S, {}, True),
        (OURS, {"CARGO_TERM_QUIET": "true"}, False),
    ],
    ids=["plain", "terminal", "quiet"],
)
def test_a_second_build_waits_says_so_and_gives_the_same_image(
    tmp_path: Path,
    says: str,
    env: dict[str, str],
    terminal: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    runs = Runs(tmp_path)
    runs.second(says, env, terminal=terminal)
    assert runs.digest("first") == runs.digest("second")
