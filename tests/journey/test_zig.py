"""C code in crates, built by zig for other processors and older systems; what comes out runs in qemu."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from ferrule.elf.facts import read_binary, version_key
from tests.cargo_projects import manifest, write_project
from tests.journey.ferrule import tool
from tests.parts.bases import base_layout
from tests.parts.targets import need_targets
from tests.parts.zig import ferrule_with_zig

pytestmark = pytest.mark.real

FLOOR = "2.28"
NAMES = {"amd64": "x86_64", "arm64": "aarch64"}
QUICK = "\n[profile.release]\nopt-level = 1\n"
ZSTD = """
fn main() {
    let text = "again and again ".repeat(100);
    let (mut packed, mut plain) = (vec![0; 4096], vec![0; 4096]);
    let size = zstd_safe::compress(&mut packed[..], text.as_bytes(), 3).unwrap();
    let read = zstd_safe::decompress(&mut plain[..], &packed[..size]).unwrap();
    assert!(size < 100 && &plain[..read] == text.as_bytes());
    println!("{} {read}", std::env::consts::ARCH);
}
"""
SQLITE = """
use libsqlite3_sys::{sqlite3_exec, sqlite3_open, sqlite3_total_changes};
use std::ptr::null_mut;
fn main() {
    let mut connection = null_mut();
    let sql = c"create table a (b); insert into a values (1), (2), (3)";
    let changes = unsafe {
        assert_eq!(sqlite3_open(c":memory:".as_ptr(), &mut connection), 0);
        assert_eq!(sqlite3_exec(connection, sql.as_ptr(), None, null_mut(), null_mut()), 0);
        sqlite3_total_changes(connection)
    };
    println!("{} {changes}", std::env::consts::ARCH);
}
"""
SHA256 = """
use CRATE::digest::{digest, SHA256};
fn main() {
    let bytes = digest(&SHA256, b"abc");
    println!("{} {:02x}{:02x}", std::env::consts::ARCH, bytes.as_ref()[0], bytes.as_ref()[1]);
}
"""
JEMALLOC = """
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
fn main() {
    let kept: Vec<Vec<u8>> = (0..1000).map(|length| vec![1; length]).collect();
    assert_eq!(kept.iter().map(Vec::len).sum::<usize>(), 499_500);
    let page: usize = unsafe { tikv_jemalloc_ctl::raw::read(b"arenas.page\\0").unwrap() };
    println!("{} {page}", std::env::consts::ARCH);
}
"""
AWS_LC = 'aws-lc-rs = { version = "=1.19.0", default-features = false, features = ["aws-lc-sys"] }'
CRATES: Mapping[str, tuple[str, str, str]] = {
    "zstd-sys": ('zstd-safe = { version = "=7.4.1", default-features = false }', ZSTD, "1600"),
    "libsqlite3-sys": ('libsqlite3-sys = { version = "=0.36.0", features = ["bundled"] }', SQLITE, "3"),
    "ring": ('ring = "=0.17.14"', SHA256.replace("CRATE", "ring"), "ba78"),
    "aws-lc-sys": (AWS_LC, SHA256.replace("CRATE", "aws_lc_rs"), "ba78"),
    "jemalloc": ('tikv-jemallocator = "=0.6.1"\ntikv-jemalloc-ctl = "=0.6.1"', JEMALLOC, "65536"),
}
"""Crate → its line in Cargo.toml, a program that uses it, and what that says behind the processor's name."""


def image_root(folder: Path, crate: str, processor: str, *flags: str) -> Path:
    """Build the crate's program for a processor; gives the unpacked image."""
    need_targets()
    dependency, source, _ = CRATES[crate]
    text = manifest("app", f"[dependencies]\n{dependency}\n{QUICK}")
    place = write_project(folder / "project", {"Cargo.toml": text, "src/main.rs": source})
    donor = f"oci:{base_layout('distroless/cc-debian12:latest')}"
    out = folder / "out"
    platform = ("--platform", f"linux/{processor}")
    built = ferrule_with_zig("build", place, *platform, *flags, "--donor", donor, "-o", f"oci:{out}:v1")
    assert built.returncode == 0, built.stderr
    tool("umoci", "unpack", "--image", f"{out}:v1", folder / "bundle")
    return folder / "bundle" / "rootfs"


def check_runs(root: Path, crate: str, processor: str) -> None:
    """The program of the image, with the image's own loader and libraries."""
    program = root / "app" / "app"
    if processor == "amd64":
        said = tool("chroot", root, "/app/app")
    else:
        said = tool("qemu-aarch64-static", "-L", root, program)
    assert said == f"{NAMES[processor]} {CRATES[crate][2]}"


def check_floor(program: Path) -> None:
    """No symbol version above the floor, says our own reader, and readelf too."""
    newest = read_binary(program).glibc
    assert newest is not None
    read = set(re.findall(r"Name: (GLIBC_[\d.]+)", tool("readelf", "--version-info", program)))
    assert newest == max(read, key=version_key)
    assert version_key(newest) <= version_key(FLOOR)


@pytest.mark.parametrize(("processor", "crate"), [("amd64", "ring"), ("arm64", "zstd-sys")])
def test_a_crate_with_c_code_is_built_for_an_older_glibc_and_runs(
    tmp_path: Path, processor: str, crate: str
) -> None:
    root = image_root(tmp_path, crate, processor, "--glibc", FLOOR)
    check_floor(root / "app" / "app")
    check_runs(root, crate, processor)
    config = json.loads(tool("skopeo", "inspect", "--config", f"oci:{tmp_path}/out:v1"))
    assert config["architecture"] == processor


@pytest.mark.acceptance
@pytest.mark.parametrize("link", ["glibc", "musl"])
@pytest.mark.parametrize("crate", CRATES)
def test_crates_with_c_code_are_built_for_arm64_and_run(tmp_path: Path, crate: str, link: str) -> None:
    flags = ("--glibc", FLOOR) if link == "glibc" else ("--link", "musl")
    root = image_root(tmp_path, crate, "arm64", *flags)
    program = root / "app" / "app"
    assert read_binary(program).is_static == (link == "musl")
    if link == "glibc":
        check_floor(program)
    check_runs(root, crate, "arm64")
