"""A cache in which every file was damaged: what it holds is not believed, and is made good."""

import os
import shutil
import subprocess  # noqa: TID251 - as a user without the rights of root over files
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crashes.harness import FERRULE, Reference, check_recovery, check_visible, prepare, remove, run
from tests.parts.need import need

pytestmark = pytest.mark.real
DAMAGES = ("flipped", "cut short", "empty", "a folder", "a link", "a link to nothing", "unreadable", "gone")


def cached(reference: Reference) -> list[Path]:
    """Blobs and notes."""
    blobs = reference.scene.folder / "cache" / "blobs"
    return [path for path in blobs.rglob("*") if path.is_file() and path.name != ".lock"]


def spoil(path: Path, damage: str) -> None:
    data = path.read_bytes()
    middle = len(data) // 2
    if damage == "flipped":
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    elif damage in ("cut short", "empty"):
        path.write_bytes(data[:middle] if damage == "cut short" else b"")
    elif damage == "unreadable":
        path.chmod(0)
    else:
        path.unlink()
        if damage == "a folder":
            (path / "below").mkdir(parents=True)
        elif damage == "a link":
            path.symlink_to("/etc/hostname")
        elif damage == "a link to nothing":
            path.symlink_to("nowhere")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_changes_nothing_about_the_next_run(
    references: tuple[Reference, ...], damage: str
) -> None:
    """For each way in and out: from a base of a registry, and into a layout, an archive and a registry."""
    for reference in references:
        if reference.scene.name not in ("pack push", "build both") or not reference.scene.cold:
            continue
        scene = reference.scene
        prepare(scene)
        run(scene)
        for path in cached(reference):
            spoil(path, damage)
        for place in set(scene.places) - {"cache", "tmp"}:
            remove(scene.folder / place)
        weak = replace(reference, scene=replace(scene, argv=without_root_s_rights(scene.argv)))
        check_recovery(weak)
        check_visible(reference)


def without_root_s_rights(argv: tuple[str, ...]) -> tuple[str, ...]:
    """root reads what it may not, unless this is taken away."""
    if os.geteuid() != 0:
        return argv
    need(shutil.which("setpriv"), "setpriv (util-linux)")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search", *argv)


def test_a_cache_below_its_limit_by_force_gives_the_same_image(references: tuple[Reference, ...]) -> None:
    """A limit of nothing: every run throws away what the last one made."""
    reference = next(one for one in references if one.scene.name == "pack push")
    scene = reference.scene
    prepare(scene)
    for _ in range(2):
        env = {**scene.env, "FERRULE_CACHE_SIZE": "0"}
        finished = subprocess.run(scene.argv, cwd=scene.folder, env=env, capture_output=True, text=True)
        assert finished.stdout == reference.stdout, finished.stderr
        assert cached(reference) == []


def test_a_bad_limit_is_one_clear_line(tmp_path: Path) -> None:
    env = {**os.environ, "FERRULE_CACHE_SIZE": "5 apples", "FERRULE_CACHE_DIR": str(tmp_path)}
    finished = subprocess.run(
        (*FERRULE, "pack", "/bin/true", "-o", "oci:out"),
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 2
    assert finished.stderr == (
        "error: FERRULE_CACHE_SIZE: '5 apples' is not a size\nhint: write it like 500MB, 5GB or 2GiB\n"
    )
