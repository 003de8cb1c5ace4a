"""The cause of a failed build, from builds that fail for real."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferrule.cargo.diagnose import diagnose
from ferrule.process import Command, SystemRunner
from tests.cargo.failing import error_of
from tests.cargo_projects import HELLO, manifest, write_project
from tests.parts.need import need

pytestmark = pytest.mark.real
Without = Callable[..., Path]


def git(*argv: str, cwd: Path) -> None:
    settings = ("-c", "protocol.file.allow=always", "-c", "user.name=a", "-c", "user.email=a@example.com")
    finished = SystemRunner().run(Command(argv=("git", *settings, *argv), cwd=cwd))
    assert finished.ok, finished.stderr.decode()


def cloned(tmp_path: Path, files: dict[str, str]) -> Path:
    """A clone of a repository with a submodule `vendor/part`, which is not fetched."""
    part = write_project(tmp_path / "part", {"Cargo.toml": manifest("part"), "src/lib.rs": "", "part.c": ""})
    for folder in (part, write_project(tmp_path / "origin", files)):
        git("init", "-q", cwd=folder)
    git("add", ".", cwd=part)
    git("commit", "-qm", "part", cwd=part)
    git("submodule", "--quiet", "add", str(part), "vendor/part", cwd=tmp_path / "origin")
    git("add", ".", cwd=tmp_path / "origin")
    git("commit", "-qm", "origin", cwd=tmp_path / "origin")
    git("clone", "-q", str(tmp_path / "origin"), "clone", cwd=tmp_path)
    return tmp_path / "clone"


READS = 'fn main() { std::fs::read_to_string("vendor/part/part.c").unwrap(); }\n'


@pytest.mark.parametrize(
    "files",
    [
        {"Cargo.toml": manifest(extra='[dependencies]\npart = { path = "vendor/part" }\n')},
        {"Cargo.toml": manifest(extra='[workspace]\nmembers = ["vendor/part"]\n')},
        {"Cargo.toml": manifest(), "build.rs": READS},
    ],
    ids=["dependency", "member", "build script"],
)
def test_a_submodule_that_was_not_fetched(tmp_path: Path, files: dict[str, str]) -> None:
    place = cloned(tmp_path, files)
    assert error_of(place, files) == (
        f"{place}/vendor/part is a git submodule that is empty",
        "git submodule update --init --recursive",
    )


def test_a_git_dependency_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_NET_RETRY", "0")
    text = '[dependencies]\nx = { git = "http://127.0.0.1:1/x.git", branch = "main" }\n'
    message, hint = error_of(tmp_path, {"Cargo.toml": manifest(extra=text)})
    assert message.startswith(
        "the git dependency http://127.0.0.1:1/x.git cannot be fetched: failed to connect"
    )
    assert "CARGO_NET_GIT_FETCH_WITH_CLI=true" in hint


@pytest.mark.parametrize(
    ("choice", "name"),
    [("branch", "release"), ("tag", "v9"), ("rev", "0123456789abcdef0123456789abcdef01234567")],
)
def test_a_git_dependency_that_lacks_what_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str, name: str
) -> None:
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    part = write_project(tmp_path / "part", {"Cargo.toml": manifest("part"), "src/lib.rs": ""})
    git("init", "-q", cwd=part)
    git("add", ".", cwd=part)
    git("commit", "-qm", "part", cwd=part)
    line = f'[dependencies]\npart = {{ git = "file://{part}", {choice} = "{name}" }}\n'
    message, hint = error_of(tmp_path / "p", {"Cargo.toml": manifest(extra=line)})
    assert message == f"the git dependency file://{part} has no {name}"
    assert hint.startswith("mend its branch, tag or rev in Cargo.toml")


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


def test_a_binary_whose_features_are_not_turned_on(tmp_path: Path) -> None:
    text = (
        '[features]\nserver = []\ntls = []\n[[bin]]\nname = "hello"\npath = "src/main.rs"\n'
        'required-features = ["server", "tls"]\n'
    )
    assert error_of(tmp_path, {"Cargo.toml": manifest(extra=text)}) == (
        "the binary hello needs features that are not turned on: server, tls",
        'add --features "server tls"',
    )


CHOOSE = (
    '#[cfg(not(any(feature = "a-tls", feature = "b-tls")))]\ncompile_error!("turn on a feature for TLS");\n'
)
TLS = "[features]\ndefault = []\na-tls = []\nb-tls = []\n"


def test_a_compile_error_about_features_comes_with_those_that_exist(tmp_path: Path) -> None:
    files = {"Cargo.toml": manifest(extra=TLS), "src/main.rs": CHOOSE + HELLO}
    assert error_of(tmp_path, files) == (
        "hello says: turn on a feature for TLS",
        "hello has the features a-tls, b-tls: turn one on by --features NAME",
    )


def test_a_compile_error_of_a_dependency_comes_with_the_dependency_s_features(tmp_path: Path) -> None:
    write_project(tmp_path / "part", {"Cargo.toml": manifest("part", TLS), "src/lib.rs": CHOOSE})
    text = '[dependencies]\npart = { path = "../part" }\n'
    assert error_of(tmp_path / "p", {"Cargo.toml": manifest(extra=text)}) == (
        "part says: turn on a feature for TLS",
        "part has the features a-tls, b-tls: add one to its line in Cargo.toml",
    )


@pytest.mark.parametrize(("wrong", "hint"), [("a-tsl", "did you mean a-tls?"), ("x", "it has a-tls, b-tls")])
def test_a_feature_that_does_not_exist(tmp_path: Path, wrong: str, hint: str) -> None:
    files = {"Cargo.toml": manifest(extra=TLS)}
    assert error_of(tmp_path, files, features=(wrong,)) == (f"hello has no feature {wrong!r}", hint)


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


@pytest.mark.parametrize("text", ["turn on a feature", "not for feature-rich machines"])
def test_a_compile_error_about_no_feature_of_the_package_gets_no_hint(tmp_path: Path, text: str) -> None:
    extra = TLS if "-" in text else ""
    files = {"Cargo.toml": manifest(extra=extra), "src/main.rs": f'compile_error!("{text}");\n{HELLO}'}
    assert error_of(tmp_path, files) == ("cargo could not build hello", "cargo's own messages are above")


@pytest.mark.parametrize(
    "text", ["No space left on device", "Cannot allocate memory", "is `cmake` not installed?"]
)
def test_words_in_a_source_are_no_cause(tmp_path: Path, text: str) -> None:
    source = f'fn main() {{\n    let x: u32 = "{text}";\n}}\n'
    assert error_of(tmp_path, {"src/main.rs": source})[0] == "cargo could not build hello"


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_linker_that_is_killed_is_not_tried_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    linker = script(tmp_path / "linker", f"echo x >> {tmp_path}/calls; kill -9 $$")
    config = f'[target.x86_64-unknown-linux-gnu]\nlinker = "{linker}"\n'
    message, hint = error_of(tmp_path / "p", {".cargo/config.toml": config})
    assert message == "the linker was killed or had no memory: this machine has too little"
    assert "-j 1" in hint
    assert (tmp_path / "calls").read_text() == "x\n"


def test_a_linker_without_memory(tmp_path: Path) -> None:
    linker = script(tmp_path / "linker", 'ulimit -v 200000; exec cc "$@"')
    config = f'[target.x86_64-unknown-linux-gnu]\nlinker = "{linker}"\n'
    message, _ = error_of(tmp_path / "p", {".cargo/config.toml": config})
    assert message == "the linker was killed or had no memory: this machine has too little"


def test_a_compiler_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = script(tmp_path / "wrapper", 'case "$*" in *src/main.rs*) kill -9 $$;; esac; exec "$@"')
    monkeypatch.setenv("RUSTC_WRAPPER", str(wrapper))
    message, hint = error_of(tmp_path / "p")
    assert message == "the compiler was killed while it compiled hello: mostly because memory ran out"
    assert "-j 1" in hint


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of some size."""
    need(os.geteuid() == 0, "root, to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(size: str) -> Path:
        argv = ("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk))
        need(SystemRunner().run(Command(argv=argv)).ok, "the right to mount a small disk")
        return disk

    yield mount
    SystemRunner().run(Command(argv=("umount", str(disk))))


@pytest.mark.parametrize("size", ["360k", "60k"], ids=["the linker", "the compiler"])
def test_a_full_disk(
    tmp_path: Path, small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    disk = small_disk(size)
    monkeypatch.setenv("CARGO_TARGET_DIR", str(disk))
    message, hint = error_of(tmp_path / "p")
    assert message == f"the disk is full: 0 MB are left for {disk}/ferrule/cargo"
    assert "CARGO_TARGET_DIR" in hint


def test_a_target_folder_that_may_only_be_read(
    tmp_path: Path, small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = small_disk("1m,ro")
    monkeypatch.setenv("CARGO_TARGET_DIR", str(disk))
    message, hint = error_of(tmp_path / "p")
    assert message.startswith(f"{disk}/ferrule/cargo")
    assert message.endswith(" cannot be made: Read-only file system")
    assert hint == "put the target folder where it can be written, by CARGO_TARGET_DIR"


def test_colours_and_progress_hide_no_cause() -> None:
    text = "\x1b]9;4;1;50\x1b\\\r\x1b[K   Building [=> ] 1/2\r\x1b[K\x1b[1;31merror\x1b[0m: hello\n\n"
    text += "Caused by:\n  \x1b[1mMissing dependency: cmake\x1b[0m\r\n"
    cause = diagnose(text, Path())
    assert cause is not None
    assert cause.message == "the link needs cmake, which is not installed"


def test_what_was_said_before_the_first_error_is_no_cause() -> None:
    assert diagnose("Missing dependency: cmake\nerror: something else\n", Path()) is None
