"""The cause of a failed build, from builds that fail for real."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferrule.cargo.diagnose import diagnose
from ferrule.process import Command, SystemRunner
from tests.cargo.failing import error_of, script
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
