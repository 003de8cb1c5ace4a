import os
import subprocess  # noqa: TID251 - another run is another process
import sys
from pathlib import Path, PurePosixPath

import pytest

from ferrule.base.entry import FileEntry
from ferrule.errors import OutputError
from ferrule.image.cache import Cache
from ferrule.image.gzip import COMPRESSOR
from ferrule.image.layer import Layer, LayerSpec, make_layer
from ferrule.oci.digest import hex_of

KILOBYTE = 1000


def layer_of(cache: Cache, name: str) -> Layer:
    """A layer of a kilobyte and a little more that cannot be made smaller."""
    noise = FileEntry(
        path=PurePosixPath("/") / name, kind="file", source=name.encode() + os.urandom(KILOBYTE)
    )
    return make_layer(LayerSpec(title=name, entries=(noise,)), cache.open(), mtime=0)


def put(folder: Path, *names: str, limit: int = 10**9) -> list[str]:
    """A run that puts a blob of a kilobyte for each name; gives the names of their files."""
    cache = Cache(folder, limit=limit)
    digests = [cache.open().put(name.encode().ljust(KILOBYTE)) for name in names]
    cache.close()
    return [hex_of(digest) for digest in digests]


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs" / "sha256").iterdir()}


def age(folder: Path, name: str, seconds: int) -> None:
    path = folder / "blobs" / "sha256" / name
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    one, two, three = put(tmp_path, "one", "two", "three")
    for name, seconds in ((one, 300), (two, 200), (three, 100)):
        age(tmp_path, name, seconds)
    put(tmp_path, "one")  # used again
    (four,) = put(tmp_path, "four", limit=3 * KILOBYTE)
    assert blobs(tmp_path) == {one, three, four}


def test_below_the_limit_nothing_goes(tmp_path: Path) -> None:
    names = put(tmp_path, "one", "two", limit=2 * KILOBYTE)
    assert blobs(tmp_path) == set(names)


def test_a_lower_limit_holds_although_nothing_else_changed(tmp_path: Path) -> None:
    names = put(tmp_path, "one", "two")
    assert blobs(tmp_path) == set(names)
    age(tmp_path, names[1], 100)
    (one,) = put(tmp_path, "one", limit=KILOBYTE)
    assert blobs(tmp_path) == {one}


USES = """
import sys
from pathlib import Path
from ferrule.image.cache import Cache
store = Cache(Path(sys.argv[1]), limit=0).open()
print("there", flush=True)
sys.stdin.read()
"""


def test_while_another_run_works_nothing_goes_and_after_its_death_it_does(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", USES, str(tmp_path))
    other = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "there\n"
    names = put(tmp_path, "one", "two", limit=0)
    assert blobs(tmp_path) == set(names)
    other.kill()
    other.communicate()
    put(tmp_path, limit=0)
    assert blobs(tmp_path) == set(names), "a run that did not touch the blobs has nothing to tidy"
    put(tmp_path, "three", limit=0)
    assert blobs(tmp_path) == set()


def test_the_note_of_a_layer_goes_with_its_blob(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    gone, kept = layer_of(cache, "gone"), layer_of(cache, "kept")
    cache.close()
    (tmp_path / "blobs" / "sha256" / hex_of(gone.descriptor.digest)).unlink()
    put(tmp_path, "more")
    notes = tmp_path / "blobs" / COMPRESSOR
    assert [path.name for path in notes.iterdir()] == [hex_of(kept.diff_id)]


@pytest.mark.parametrize("what", ["sha256/.part-123", f"{COMPRESSOR}/.note.part-123", "sha256/odd"])
def test_what_is_left_over_is_removed(tmp_path: Path, what: str) -> None:
    cache = Cache(tmp_path)
    layer = layer_of(cache, "layer")
    cache.close()
    for path in (tmp_path / "blobs" / what, tmp_path / "blobs" / f"{what}-folder"):
        path.mkdir() if path.name.endswith("folder") else path.write_bytes(b"half")
    (tmp_path / "tmp" / "left").mkdir(parents=True)
    put(tmp_path)
    cache.open()
    cache.close()
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {".lock", hex_of(layer.descriptor.digest), hex_of(layer.diff_id)}
    assert {path.name for path in tmp_path.rglob("*") if path.is_dir()} == {
        "blobs",
        "tmp",
        "sha256",
        COMPRESSOR,
    }


def test_every_folder_is_this_user_s_alone_whatever_the_umask_and_the_past(tmp_path: Path) -> None:
    (tmp_path / "cache" / "blobs" / "sha256").mkdir(mode=0o755, parents=True)
    old = os.umask(0)
    try:
        cache = Cache(tmp_path / "cache")
        layer = layer_of(cache, "layer")
        with cache.scratch() as scratch:
            modes = {path.stat().st_mode & 0o777 for path in (scratch, scratch.parent)}
        cache.close()
    finally:
        os.umask(old)
    folders = (tmp_path / "cache" / "blobs" / name for name in (".", "sha256", COMPRESSOR))
    assert modes | {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    blob = tmp_path / "cache" / "blobs" / "sha256" / hex_of(layer.descriptor.digest)
    assert blob.stat().st_mode & 0o777 == 0o600


def test_a_cache_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(OutputError, match="cannot use the cache") as caught:
        Cache(tmp_path / "cache").open()
    assert caught.value.hint == "set FERRULE_CACHE_DIR"


def test_a_cache_that_went_away_in_the_middle_of_a_run_does_not_fail_its_end(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit=0)
    cache.open().put(b"one")
    (tmp_path / "cache").rename(tmp_path / "elsewhere")
    cache.close()
    assert not (tmp_path / "cache").exists()


def test_an_unchanged_run_finds_the_same_files_and_writes_none(tmp_path: Path) -> None:
    spec = LayerSpec(title="x", entries=(FileEntry(path=PurePosixPath("/x"), kind="file", source=b"x"),))
    seen = []
    for _ in range(2):
        cache = Cache(tmp_path)
        make_layer(spec, cache.open(), mtime=0)
        cache.close()
        facts = {path: path.stat() for path in tmp_path.rglob("*")}
        # A file that is written anew is another inode; a folder that a part was in has another time.
        seen.append(
            {path: fact.st_mtime_ns if path.is_dir() else fact.st_ino for path, fact in facts.items()}
        )
    assert seen[0] == seen[1]
