"""The cause of a failed build that lies in toolchain, lock file or set-up, from real builds."""

from pathlib import Path

import pytest

from tests.cargo.failing import error_of, script
from tests.cargo_projects import HELLO, manifest, write_project

pytestmark = pytest.mark.real


def test_a_rust_that_is_too_old(tmp_path: Path) -> None:
    message, hint = error_of(tmp_path, {"Cargo.toml": manifest(extra='rust-version = "1.999"\n')})
    assert message.startswith("hello 0.1.0 needs Rust 1.999, and this is 1.")
    assert hint == "rustup update, or lower rust-version in the Cargo.toml of hello"


def test_a_rust_that_is_too_old_for_a_dependency_of_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says_old = 'case "$*" in *-vV*) rustc -vV | sed "s/1[.][0-9]*[.]/1.60./";; *) exec rustc "$@";; esac'
    monkeypatch.setenv("CARGO_BUILD_RUSTC", str(script(tmp_path / "rustc", says_old)))
    files = {"Cargo.toml": manifest(extra='[dependencies]\nitoa = "=1.0.19"\n')}
    message, hint = error_of(tmp_path / "p", files)
    assert message.startswith("itoa 1.0.19 needs Rust 1.68, and this is 1.60")
    assert hint == "rustup update, or cargo update itoa --precise VERSION for one that is old enough"


def test_a_project_below_a_workspace_that_does_not_name_it(tmp_path: Path) -> None:
    write_project(tmp_path, {"Cargo.toml": manifest("above", "[workspace]\n")})
    message, hint = error_of(tmp_path / "own")
    assert message == (
        f"{tmp_path}/own/Cargo.toml lies below the workspace of {tmp_path}/Cargo.toml, which does not name it"
    )
    assert hint.startswith("add it to members or exclude there")


@pytest.mark.parametrize(
    ("edition", "message"),
    [
        ("2999", "edition 2999 is unknown to this cargo, which knows 2015"),
        ("2027", "edition 2027 is newer than this cargo"),
    ],
)
def test_an_edition_that_cargo_does_not_know(tmp_path: Path, edition: str, message: str) -> None:
    said, hint = error_of(tmp_path, {"Cargo.toml": manifest(edition=edition)})
    assert said.startswith(message)
    assert "rustup update" in hint


def test_a_lock_file_that_is_missing_or_does_not_fit(tmp_path: Path) -> None:
    assert error_of(tmp_path / "p", locked=True) == (
        "there is no Cargo.lock, and --locked forbids to write it",
        "run cargo generate-lockfile, and commit Cargo.lock",
    )
    lock = 'version = 4\n\n[[package]]\nname = "hello"\nversion = "0.0.9"\n'
    assert error_of(tmp_path / "p", {"Cargo.lock": lock}, locked=True) == (
        "Cargo.lock does not fit Cargo.toml, and --locked forbids to change it",
        "run cargo update --workspace, and commit Cargo.lock",
    )


PIN = 'set channel = "nightly" in rust-toolchain.toml, or RUSTUP_TOOLCHAIN=nightly'
RUNS_RUSTC = 'let rustc = std::env::var("RUSTC").unwrap(); let mut call = std::process::Command::new(rustc);'
TARGET = "sparc64-unknown-linux-gnu"
FURTHER = {
    "a dependency": (
        {"Cargo.toml": manifest(extra='[dependencies]\npart = { path = "/nowhere/part" }\n')},
        "a dependency is to lie in /nowhere/part, and is not there",
        "check it out too, or mend its path in Cargo.toml",
    ),
    "a lock file": (
        {"Cargo.lock": "version = 99\n"},
        "Cargo.lock has version 99, which this cargo does not know",
        "rustup update, or choose a newer toolchain in rust-toolchain.toml",
    ),
    "a feature of nightly Rust": (
        {"src/main.rs": f"#![feature(never_type)]\n{HELLO}"},
        "a crate uses #![feature], which takes nightly Rust, and this is stable",
        PIN,
    ),
    "a feature of nightly cargo": (
        {"Cargo.toml": 'cargo-features = ["codegen-backend"]\n' + manifest()},
        "the cargo feature codegen-backend takes nightly Rust, and this is stable",
        PIN,
    ),
    "a wrapper": (
        {".cargo/config.toml": '[build]\nrustc-wrapper = "sccache-of-nobody"\n'},
        "sccache-of-nobody is to wrap rustc, and it is not here",
        "install it, or build without it: RUSTC_WRAPPER= ferrule build; plan -v says who sets it",
    ),
    "a variable": (
        {"src/main.rs": 'fn main() { println!("{}", env!("GIT_SHA")); }\n'},
        "GIT_SHA is read while compiling, and is not set",
        "set it for the build: GIT_SHA=… ferrule build; --env is for the running program",
    ),
    "a target": (
        {"build.rs": f'fn main() {{ {RUNS_RUSTC} call.args(["--target={TARGET}", "src/main.rs"]);'
         " assert!(call.status().unwrap().success()); }\n"},
        f"the standard library for {TARGET} is not installed",
        f"rustup target add {TARGET}",
    ),
}  # fmt: skip
"""What is missing → a project, the message and the hint."""


@pytest.mark.parametrize("what", FURTHER)
def test_something_else_that_is_missing(tmp_path: Path, what: str) -> None:
    files, message, hint = FURTHER[what]
    assert error_of(tmp_path / "p", files) == (message, hint)


def test_a_registry_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CARGO_NET_RETRY", "0")
    away = (
        '[source.crates-io]\nreplace-with = "away"\n[source.away]\nregistry = "sparse+http://127.0.0.1:9/"\n'
    )
    files = {
        "Cargo.toml": manifest(extra='[dependencies]\nitoa = "1"\n'),
        ".cargo/config.toml": away,
    }
    message, hint = error_of(tmp_path / "p", files)
    assert message.startswith("http://127.0.0.1:9 cannot be reached: ")
    assert "connect" in message
    assert hint.startswith("check the network")
