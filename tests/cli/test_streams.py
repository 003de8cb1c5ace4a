"""The three streams as a shell may hand them over: closed, full, or for paths that are not UTF-8."""

import os
import subprocess  # noqa: TID251 - the streams of a process of its own
import sys
from pathlib import Path

import pytest

PROGRAM = Path("/bin/true").resolve()
NOT_UTF8 = "t\udcff"


def ferrule(words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """`words` are for a shell, in the folder."""
    return subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m ferrule {words}"],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "", "FERRULE_CACHE_DIR": str(folder / "cache"), **variables},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("verb", ["--version", f"inspect {PROGRAM}"])
def test_a_full_disk_behind_stdout_is_one_line(tmp_path: Path, verb: str) -> None:
    done = ferrule(f"{verb} > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (1, b"error: No space left on device\n")


def test_what_is_still_to_be_written_at_the_end_counts_too(tmp_path: Path) -> None:
    whole = ferrule(f"pack {PROGRAM} --output oci:image", tmp_path)
    assert whole.returncode == 0, whole.stderr
    done = ferrule("inspect oci:image > /dev/full", tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        b"error: cannot write the result: No space left on device",
    )


def test_the_work_goes_on_where_nothing_can_be_said(tmp_path: Path) -> None:
    assert ferrule(f"pack {PROGRAM} --output oci:image 2> /dev/full", tmp_path).returncode == 0
    assert ferrule("biuld 2> /dev/full", tmp_path).returncode == 2
    assert ferrule("plan nowhere 2> /dev/full", tmp_path).returncode == 3


def test_closed_streams_are_no_failure_and_no_file_takes_their_place(tmp_path: Path) -> None:
    for closed in (">&-", "<&-", "<&- >&-", "2>&-"):
        done = ferrule(f"pack {PROGRAM} --output oci:image {closed}", tmp_path)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert ferrule("inspect oci:image", tmp_path).returncode == 0


def test_a_path_comes_out_in_the_bytes_that_it_has(tmp_path: Path) -> None:
    output = f"--output 'oci:{NOT_UTF8}'"
    done = ferrule(f"pack {PROGRAM} {output}", tmp_path, PYTHONIOENCODING="utf-8:strict")
    assert (done.returncode, done.stdout) == (0, b"oci:t\xff:latest\n")


def test_a_folder_that_is_gone_is_a_wrong_place_to_start_from(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", f"cd gone && rmdir ../gone && exec {sys.executable} -m ferrule plan"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        b"error: the folder that this runs in is gone",
    )
