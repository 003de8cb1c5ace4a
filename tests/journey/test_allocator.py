"""mimalloc in real programs: it says so itself when it is asked, and so do the image and the JSON."""

import json
import os
import re
import shutil
import subprocess  # noqa: TID251 - the command line and its programs are run as a user would
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cargo.failing import shared_target, without
from tests.cargo_projects import manifest, write_project
from tests.journey.ferrule import SHOP, ferrule, tool
from tests.parts.targets import need_targets

__all__ = ["shared_target", "without"]
pytestmark = pytest.mark.real

MUSL, GLIBC = ("--link", "musl"), ("--link", "static", "--allocator", "mimalloc")
DYNAMIC = ("--link", "dynamic", "--allocator", "mimalloc")
VERSION = "2.3.2"
LABEL = f"mimalloc {VERSION}"
LIBC_S_MEMORY = """
use std::ffi::{CStr, c_char, c_void};
unsafe extern "C" {
    fn realpath(path: *const c_char, place: *mut c_char) -> *mut c_char;
    fn free(memory: *mut c_void);
}
fn main() {
    let threads: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(|| (0..10_000).map(|n| vec![1u8; n % 999].len()).sum::<usize>()))
        .collect();
    let sum: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let path = unsafe { realpath(c"/".as_ptr(), std::ptr::null_mut()) };
    println!("{sum} {}", unsafe { CStr::from_ptr(path) }.to_str().unwrap());
    unsafe { free(path.cast()) };
}
"""
"""Threads that allocate, and memory of libc's that is given back here: with two mallocs it would crash."""

OWN_MEMCPY = """
use std::sync::atomic::{AtomicUsize, Ordering};
static CALLS: AtomicUsize = AtomicUsize::new(0);
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    CALLS.fetch_add(1, Ordering::Relaxed);
    for i in 0..n {
        unsafe { to.add(i).write_volatile(from.add(i).read_volatile()) };
    }
    to
}
fn main() {
    let word = std::env::args().nth(1).unwrap();
    assert_eq!(word.clone(), word);
    assert!(CALLS.load(Ordering::Relaxed) > 0);
    println!("its own memcpy");
}
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_targets()
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), {"src/main.rs": LIBC_S_MEMORY})


def built(place: Path, cache: Path | None, *flags: str | Path) -> dict[str, Any]:
    """The only image of a build that must succeed, as JSON. Without a cache it is the user's own."""
    env = {"FERRULE_CACHE_DIR": str(cache)} if cache else None
    said = ferrule("build", *map(str, (place, *flags)), "--json", env=env)
    (image,) = json.loads(said)["images"]
    return dict(image)


def says(program: Path, *arguments: str) -> str:
    """Both outputs of a program whose mimalloc, if it has one, is asked to speak."""
    env = {"MIMALLOC_VERBOSE": "1", "APP_AUTH_JWT_SECRET": "a-secret-for-tests-and-nothing-else"}
    finished = subprocess.run((program, *arguments), env=env, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout + finished.stderr


@pytest.mark.parametrize(
    ("flags", "label"),
    [(MUSL, f"mimalloc {VERSION} and memcpy"), (GLIBC, LABEL), (DYNAMIC, LABEL)],
    ids=["musl", "glibc", "dynamic"],
)
def test_the_program_has_it_and_the_image_and_the_json_say_so(
    project: Path, cache: Path, tmp_path: Path, flags: tuple[str, ...], label: str
) -> None:
    layout = f"oci:{tmp_path / 'layout'}:v1"
    image = built(project, cache, *flags, "-o", layout)
    said = says(Path(image["binary"]))
    assert f"v{VERSION} (built on , )" in said
    assert re.search(r"^\d+ /$", said, re.MULTILINE)
    assert image["allocator"]["name"] == "mimalloc"
    labels = json.loads(tool("skopeo", "inspect", "--config", layout))["config"]["Labels"]
    assert labels["ferrule.allocator"] == label


@pytest.mark.parametrize(("more", "is_ours"), [((), True), (("--allocator", "system"), False)])
def test_a_musl_program_has_our_memory_functions_in_place_of_musl_s(
    project: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    *,
    is_ours: bool,
) -> None:
    """Ours are one function under two names each, and musl's are not."""
    monkeypatch.setenv("CARGO_PROFILE_RELEASE_STRIP", "none")
    image = built(project, cache, *MUSL, *more)
    listed = [line.split() for line in tool("nm", image["binary"]).splitlines()]
    at = {words[-1]: words[0] for words in listed if words[-1] in {"memcpy", "memmove", "memcmp", "bcmp"}}
    assert len(at) == 4
    assert (at["memcpy"] == at["memmove"], at["memcmp"] == at["bcmp"]) == (is_ours, is_ours)
    assert re.search(r"^\d+ /$", says(Path(image["binary"])), re.MULTILINE)


def test_a_program_that_defines_memcpy_keeps_its_own(cache: Path, tmp_path: Path) -> None:
    image = built(write_project(tmp_path, {"src/main.rs": OWN_MEMCPY}), cache, *MUSL)
    assert "its own memcpy" in says(Path(image["binary"]), "aword")


def test_another_folder_and_another_cache_give_the_same_digest(
    project: Path, cache: Path, tmp_path: Path
) -> None:
    here = built(project, cache, *MUSL)
    shutil.copytree(cache / "mimalloc", tmp_path / "elsewhere" / "mimalloc")
    there = shutil.copytree(project, tmp_path / "deep" / "er", ignore=shutil.ignore_patterns("target"))
    assert built(there, tmp_path / "elsewhere", *MUSL)["digest"] == here["digest"]


def test_musl_s_own_allocator_is_one_flag_away(project: Path, cache: Path, tmp_path: Path) -> None:
    layout = f"oci:{tmp_path / 'layout'}:v1"
    image = built(project, cache, *MUSL, "--allocator", "system", "-o", layout)
    assert image["allocator"] == {"name": "system", "reason": "asked for by --allocator"}
    assert "mimalloc" not in says(Path(image["binary"]))
    labels = json.loads(tool("skopeo", "inspect", "--config", layout))["config"]["Labels"]
    assert "ferrule.allocator" not in labels


OWN = {
    "Cargo.toml": manifest(extra='[dependencies]\ntikv-jemallocator = { path = "own" }\n'),
    "own/Cargo.toml": manifest("tikv-jemallocator"),
    "own/src/lib.rs": "",
}


@pytest.mark.parametrize("has_lock", [True, False])
def test_a_project_with_an_allocator_keeps_it(cache: Path, tmp_path: Path, *, has_lock: bool) -> None:
    place = write_project(tmp_path, OWN)
    if has_lock:
        tool("cargo", "generate-lockfile", "--manifest-path", place / "Cargo.toml")
    image = built(place, cache, *MUSL)
    assert image["allocator"] == {
        "name": "project",
        "reason": "tikv-jemallocator 0.1.0 is in the graph",
    }
    assert says(Path(image["binary"])) == "hello\n"
    refused = run("build", place, "--allocator", "mimalloc")
    assert (refused.returncode, refused.stdout) == (3, "")
    cause = "mimalloc is asked for by --allocator, and the program has an allocator already"
    assert f"error: {cause}: tikv-jemallocator 0.1.0\nhint: " in refused.stderr


def run(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    argv = (sys.executable, "-m", "ferrule", *map(str, words))
    return subprocess.run(argv, env=os.environ, capture_output=True, text=True)


def test_without_a_c_compiler_it_is_said_and_the_program_is_as_rust_makes_it(
    cache: Path, tmp_path: Path, without: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_project(tmp_path / "project")
    without("cc", "gcc")
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(cache))
    flags = ("--link", "musl", "--platform", "linux/arm64")
    lacks = "nothing here compiles C for aarch64-unknown-linux-musl"

    plan = run("plan", place, *flags)
    assert f"musl's own, which is slow: {lacks}: install Debian's gcc-aarch64-linux-gnu" in plan.stdout

    done = run("build", place, *flags)
    assert done.returncode == 0, done.stderr
    assert f"warning: the program gets musl's own, which is slow: {lacks}: install" in done.stderr

    refused = run("build", place, *flags, "--allocator", "mimalloc")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert f"error: mimalloc is asked for by --allocator, and {lacks}\nhint: install" in refused.stderr


def test_the_example_has_it_on_request() -> None:
    image = built(SHOP, None, "--locked", *GLIBC)
    assert f"v{VERSION} (built on , )" in says(Path(image["binary"]), "token", "ada")


@pytest.mark.acceptance
def test_the_example_has_it_with_musl_unasked() -> None:
    need_targets()
    image = built(SHOP, None, "--locked", *MUSL)
    assert image["allocator"]["name"] == "mimalloc"
    assert f"v{VERSION} (built on , )" in says(Path(image["binary"]), "token", "ada")
