"""Ctrl-C at any moment, and a full disk: nothing partial stays, and the next run is as if nothing was."""

import os
import signal
import subprocess  # noqa: TID251 - a process of its own, to be interrupted
import sys
import time
from pathlib import Path

import pytest

from tests.cargo_projects import write_project
from tests.crashes.harness import wait_for_handlers
from tests.parts.need import need

pytestmark = pytest.mark.real
MOMENTS = 12
FERRULE = (sys.executable, "-m", "ferrule")


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "FERRULE_CACHE_DIR": str(tmp_path / "cache")}


def build(tmp_path: Path, *flags: str) -> "subprocess.Popen[str]":
    argv = (*FERRULE, "build", str(tmp_path / "project"), "-o", f"oci:{tmp_path}/out:latest", *flags)
    return subprocess.Popen(
        argv, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def partial(tmp_path: Path) -> list[Path]:
    return [path for place in ("out", "cache") for path in (tmp_path / place).rglob("*part*")]


def test_ctrl_c_at_any_moment_is_130_and_leaves_nothing_partial(tmp_path: Path) -> None:
    place = write_project(tmp_path / "project")
    (place / "data").mkdir()
    (place / "data" / "noise").write_bytes(os.urandom(20 << 20))
    started = time.monotonic()
    whole = build(tmp_path, "--file", "data:/data")
    out, _ = whole.communicate()
    length = time.monotonic() - started
    assert whole.returncode == 0
    codes = set()
    for moment in range(MOMENTS):
        (place / "src" / "main.rs").write_text(f'fn main() {{ println!("{moment}"); }}\n')
        (place / "data" / "noise").write_bytes(os.urandom(20 << 20))
        process = build(tmp_path, "--file", "data:/data")
        wait_for_handlers(process.pid)  # before that, what happens is Python's affair
        time.sleep(length * (moment + 1) / (MOMENTS + 1))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        codes.add(process.returncode)
        assert process.returncode in (0, 130), err
        assert "Traceback" not in err
        assert partial(tmp_path) == []
    assert 130 in codes
    again = build(tmp_path, "--file", "data:/data")
    assert again.communicate()[0] == out
    assert again.returncode == 0
    assert (
        subprocess.run(("skopeo", "inspect", f"oci:{tmp_path}/out:latest"), capture_output=True).returncode
        == 0
    )


INTERRUPTED_IN_A_FINALISER = """
import os, signal, sys
from ferrule.cli.main import main

class Late:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(1000))

def on_call(frame, event, arg):
    if frame.f_code.co_name == "make_image":
        sys.settrace(None)
        Late()

sys.argv = ["ferrule", *sys.argv[1:]]
sys.settrace(on_call)
main()
"""


def test_ctrl_c_in_a_finaliser_is_not_lost(tmp_path: Path) -> None:
    """Python drops what is raised there, with a traceback on stderr, and goes on."""
    (tmp_path / "noise").write_bytes(os.urandom(20 << 20))
    argv = (sys.executable, "-c", INTERRUPTED_IN_A_FINALISER, "pack", "/bin/true", "--file", "noise:/noise")
    finished = subprocess.run(
        (*argv, "-o", "oci:out"), cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True
    )
    assert (finished.returncode, finished.stderr.strip()) == (130, "error: interrupted")
    assert not (tmp_path / "out" / "index.json").exists()


def test_a_full_disk_is_exit_code_1_and_leaves_no_half_file(tmp_path: Path) -> None:
    need(os.geteuid() == 0, "root, to mount a small file system")
    write_project(tmp_path / "project")
    (tmp_path / "small").mkdir()
    script = (
        "mount -t tmpfs -o size=64k none small && "
        f"{' '.join(FERRULE)} build project -o docker-archive:small/image.tar; "
        "code=$?; ls -A small; exit $code"
    )
    argv = ("unshare", "--mount", "sh", "-c", script)
    finished = subprocess.run(argv, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True)
    assert finished.returncode == 1
    assert "error: cannot write small/image.tar: No space left on device" in finished.stderr
    assert finished.stdout == ""
