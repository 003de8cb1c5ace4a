"""A run is ended at a random instant and another follows: scenes go in, what went wrong comes out."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess  # noqa: TID251 - the command line itself is under test, and is to be killed
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLD, NEW = b"old", b"new"
NOISE_BYTES = 6 << 20
PATIENCE_SECONDS = 60
INTERRUPTED = 130

State = dict[str, str]
"""Path below the scene's folder → mode and content."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A command line and every place that it writes to, all of them below `folder`.

    `data` is a file that goes into the image: it makes the old image and the new one. Where `cold`, nothing
    is there at the start; otherwise the old image is, in all places.
    """

    name: str
    folder: Path
    argv: tuple[str, ...]
    places: tuple[str, ...]
    data: Path
    cold: bool

    def __str__(self) -> str:
        return f"{self.name}, {'cold' if self.cold else 'warm'}"

    @property
    def env(self) -> dict[str, str]:
        """Cache and temporary files lie in the scene too."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        own = {"FERRULE_CACHE_DIR": str(self.folder / "cache"), "TMPDIR": str(self.folder / "tmp")}
        return {**os.environ, **own}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """What a run without disturbance does: its stdout, what it leaves, and how long it takes in seconds."""

    scene: Scene
    stdout: str
    state: State
    seconds: float


def instants(count: int, random_: random.Random) -> Iterator[float]:
    """Parts of a run's whole length, one at random out of each of `count` equal stretches."""
    return ((number + random_.random()) / count for number in range(count))


def reference_of(scene: Scene) -> Reference:
    """Two runs without disturbance: the first one reads programs and libraries off the disk."""
    for _ in range(2):
        prepare(scene)
        started = time.monotonic()
        stdout = run(scene)
        seconds = time.monotonic() - started
    return Reference(scene=scene, stdout=stdout, state=state_of(scene), seconds=seconds)


def prepare(scene: Scene) -> None:
    """The state before the run: nothing, or the old image, which is made once and then copied."""
    saved = scene.folder / "saved"
    if not scene.cold and not saved.exists():
        write_data(scene, OLD)
        run(scene)
        for place in scene.places:
            copy(scene.folder / place, saved / place)
    for place in scene.places:
        remove(scene.folder / place)
        if not scene.cold:
            copy(saved / place, scene.folder / place)
    write_data(scene, NEW)


def disturb(reference: Reference, part: float, number: int) -> tuple[int, str]:
    """Send a signal after a part of the run's length; gives the exit code and stderr."""
    scene = reference.scene
    prepare(scene)
    log = scene.folder.with_suffix(".stderr")
    with log.open("wb") as stream:
        process = subprocess.Popen(
            scene.argv,
            cwd=scene.folder,
            env=scene.env,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )
        begun = time.monotonic()
        if number != signal.SIGKILL:
            wait_for_handlers(process)
        time.sleep(max(0.0, begun + reference.seconds * part - time.monotonic()))
        if process.poll() is None:
            os.killpg(process.pid, number)
        process.wait(PATIENCE_SECONDS)
    return process.returncode, log.read_text()


def check_visible(reference: Reference) -> None:
    """After a kill: whatever lies under its final name is whole. Raises `AssertionError`."""
    folder = reference.scene.folder
    for blobs in (*folder.rglob("blobs/sha256"),):
        for path in blobs.iterdir():
            if not path.name.startswith(".") and "saved" not in path.parts:
                assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name, f"{path} is not its name"
    for index in folder.rglob("index.json"):
        for entry in json.loads(index.read_bytes())["manifests"]:
            check_image(index.parent, entry["digest"])
    for archive in folder.glob("*.tar"):
        with tarfile.open(archive) as members:
            assert len(members.getnames()) >= 5, f"{archive} is cut short"


def check_image(layout: Path, digest: str) -> None:
    blobs = layout / "blobs" / "sha256"
    manifest = json.loads((blobs / digest.removeprefix("sha256:")).read_bytes())
    for part in (manifest["config"], *manifest["layers"]):
        assert (blobs / part["digest"].removeprefix("sha256:")).is_file(), f"{layout} lacks {part['digest']}"


def check_recovery(reference: Reference) -> None:
    """A plain run afterwards says and leaves what it would have without the kill."""
    assert run(reference.scene) == reference.stdout
    after = state_of(reference.scene)
    changed = {
        path for path in after.keys() | reference.state.keys() if after.get(path) != reference.state.get(path)
    }
    assert not changed, f"left or lost: {sorted(changed)}"


def state_of(scene: Scene) -> State:
    """Every file, folder and link in the scene's places."""
    paths = [path for place in scene.places for path in sorted((scene.folder / place).rglob("*"))]
    paths += [scene.folder / place for place in scene.places] + list(scene.folder.iterdir())
    return {str(path.relative_to(scene.folder)): describe(path) for path in paths if path.exists()}


def describe(path: Path) -> str:
    """Mode and content; the file of the cache's lock holds times."""
    mode = f"{path.lstat().st_mode:o}"
    plain = path.is_file() and path.name != ".lock"
    return f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}" if plain else mode


def run(scene: Scene) -> str:
    """A run that must succeed; gives its stdout."""
    finished = subprocess.run(
        scene.argv, cwd=scene.folder, env=scene.env, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert finished.returncode == 0, f"{scene}: {finished.stderr}"
    return finished.stdout


def wait_for_handlers(process: "subprocess.Popen[bytes]") -> None:
    """Until the program has a handler for SIGTERM: before that, what happens is Python's affair."""
    mask = 1 << (signal.SIGTERM - 1)
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), "0")
        if int(caught, 16) & mask:
            return
        time.sleep(0.001)


def write_data(scene: Scene, content: bytes) -> None:
    noise = random.Random(content).randbytes(NOISE_BYTES)
    if not scene.data.is_file() or scene.data.read_bytes() != noise:
        scene.data.write_bytes(noise)


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


FERRULE = (sys.executable, "-m", "ferrule")
