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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

OLD, NEW = b"old", b"new"
NOISE_BYTES = 4 << 20
PATIENCE_SECONDS = 600
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
    """What a run without disturbance does: its stdout, what it leaves, and how long it is.

    In seconds, and in changes of the scene's places as `watch` sees them.
    """

    scene: Scene
    stdout: str
    state: State
    seconds: float
    changes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Instant:
    """A part of a run's length, in seconds or in changes: most happens in a small part of the time."""

    part: float
    in_changes: bool

    def __str__(self) -> str:
        return f"{self.part:.4f} of the {'changes' if self.in_changes else 'time'}"


def instants(count: int, random_: random.Random) -> Iterator[Instant]:
    """One at random out of each of `count` equal stretches of a run, and these in a random order.

    Half of them are counted in seconds, half in changes.
    """
    kinds = [number % 2 == 0 for number in range(count)]
    random_.shuffle(kinds)
    return (
        Instant(part=(number + random_.random()) / count, in_changes=kind)
        for number, kind in enumerate(kinds)
    )


def reference_of(scene: Scene) -> Reference:
    """Two runs without disturbance; the first one, which reads programs off the disk, is watched."""
    prepare(scene)
    with started_run(scene) as process:
        changes = watch(scene, process, most=None)
    prepare(scene)
    started = time.monotonic()
    stdout = run(scene)
    seconds = time.monotonic() - started
    return Reference(scene=scene, stdout=stdout, state=state_of(scene), seconds=seconds, changes=changes)


def prepare(scene: Scene) -> None:
    """The state before the run: nothing, or the old image, which is made once and then copied."""
    saved = scene.folder.with_suffix(".saved")
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


def disturb(reference: Reference, instant: Instant, number: int) -> tuple[int, str]:
    """Send a signal at the instant; gives the exit code and stderr."""
    scene = reference.scene
    prepare(scene)
    with started_run(scene) as process:
        begun = time.monotonic()
        if number != signal.SIGKILL:
            wait_for_handlers(process.pid)
        if instant.in_changes:
            watch(scene, process, most=round(instant.part * reference.changes))
        else:
            time.sleep(max(0.0, begun + reference.seconds * instant.part - time.monotonic()))
        if process.poll() is None:
            os.killpg(process.pid, number)
    return process.returncode, log_of(scene).read_text()


@contextmanager
def started_run(scene: Scene) -> "Iterator[subprocess.Popen[bytes]]":
    """In a process group of its own; it has ended when the block has."""
    with log_of(scene).open("wb") as stream:
        process = subprocess.Popen(
            scene.argv,
            cwd=scene.folder,
            env=scene.env,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.wait(PATIENCE_SECONDS)


def watch(scene: Scene, process: "subprocess.Popen[bytes]", *, most: int | None) -> int:
    """Count changes of names and sizes in the scene's places until the run's end or there are `most`."""
    count, last = 0, frozenset(glance(scene))
    while process.poll() is None and (most is None or count < most):
        now = frozenset(glance(scene))
        count, last = count + (now != last), now
        time.sleep(0.0005)  # the run needs the core too
    return count


def glance(scene: Scene) -> Iterator[tuple[str, int]]:
    """Names and sizes of what is there at this moment, as fast as can be."""
    for place in (".", *scene.places):
        with suppress(OSError):
            yield from sizes(str(scene.folder / place), deep=place != ".")


def sizes(folder: str, *, deep: bool) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            yield entry.path, 0 if is_folder else entry.stat(follow_symlinks=False).st_size
            if is_folder and deep:
                yield from sizes(entry.path, deep=True)


def log_of(scene: Scene) -> Path:
    """Where stderr goes: beside what is compared."""
    return scene.folder.with_suffix(".stderr")


def check_visible(reference: Reference) -> None:
    """After a kill: whatever lies under its final name is whole. Raises `AssertionError`."""
    folder = reference.scene.folder
    for blobs in (*folder.rglob("blobs/sha256"),):
        for path in blobs.iterdir():
            if not path.name.startswith("."):
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


def wait_for_handlers(process: int) -> None:
    """Until the child has a handler for SIGTERM, or is gone: before that, what happens is Python's affair."""
    mask = 1 << (signal.SIGTERM - 1)
    while "\nState:\tZ" not in (status := Path(f"/proc/{process}/status").read_text()):
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
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
