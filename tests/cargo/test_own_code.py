"""What a project's own sources say about shared libraries, on projects that are read and not built."""

from pathlib import Path

import pytest

from ferrule.cargo.build import build
from ferrule.cargo.link import LinkChoice
from ferrule.cargo.own_code import objection_of_sources
from ferrule.process import SystemRunner
from tests.cargo_projects import HELLO, manifest, prepared, write_project
from tests.fakes.report import Notes

DLOPEN = "fn main() { unsafe { libc::dlopen(name, 1); } }\n"
OPENS = "src/main.rs opens shared libraries at run time"
MEMBERS = '[workspace]\nmembers = ["member"]\n'


def said_of(folder: Path, files: dict[str, str]) -> str | None:
    """The objection; of libraries, `foo` and `bar` are installed."""
    root = folder / "root"
    for library in ("usr/lib/libbar.so", "usr/lib/x86_64-linux-gnu/libfoo.so"):
        (root / library).parent.mkdir(parents=True, exist_ok=True)
        (root / library).touch()
    plan = prepared(write_project(folder / "project", files)).plan
    selection = plan.selection
    return objection_of_sources(plan.project.workspace, selection.package, selection.binary, root)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (DLOPEN, OPENS),
        ('extern "C" { fn dlopen(name: *const u8, flags: i32) -> *mut u8; }\n' + HELLO, OPENS),
        ("// as dlopen(3) does\n" + HELLO, None),
        ('#[link(name = "foo")]\nextern "C" {}\n' + HELLO, "src/main.rs links the system's foo"),
        (
            '#[link(name = "foo", kind = "dylib")]\n#[link(name = "bar")]\nextern "C" {}\n' + HELLO,
            "src/main.rs links the system's bar and foo",
        ),
        ('#[link(name = "foo", kind = "static")]\nextern "C" {}\n' + HELLO, None),
        ('#[link(name = "c")]\nextern "C" {}\n' + HELLO, None),
        ('#[link(name = "not-installed")]\nextern "C" {}\n' + HELLO, None),
        ('#[cfg(windows)]\n#[link(name = "foo")]\nextern "C" {}\n' + HELLO, None),
        ('#[link(name = "foo")]\n#[cfg(target_os = "macos")]\nextern "C" {}\n' + HELLO, None),
        (
            '#[cfg(unix)]\n#[link(name = "foo")]\nextern "C" {}\n' + HELLO,
            "src/main.rs links the system's foo",
        ),
    ],
)
def test_the_program_s_own_code_is_read(tmp_path: Path, source: str, reason: str | None) -> None:
    assert said_of(tmp_path, {"src/main.rs": source}) == reason


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("cargo:rustc-link-arg=-lfoo", "build.rs links the system's foo"),
        ("cargo::rustc-link-arg-bins=-lfoo", "build.rs links the system's foo"),
        ("cargo:rustc-link-arg=-Wl,--as-needed", None),
    ],
)
def test_so_is_what_its_build_script_hands_to_the_linker(
    tmp_path: Path, argument: str, reason: str | None
) -> None:
    script = f'fn main() {{ println!("{argument}"); }}\n'
    assert said_of(tmp_path, {"build.rs": script}) == reason


@pytest.mark.parametrize(
    ("table", "member", "reason"),
    [
        ("dependencies", "", "member/src/lib.rs opens shared libraries at run time"),
        ("target.'cfg(unix)'.dependencies", "", "member/src/lib.rs opens shared libraries at run time"),
        ("target.'cfg(windows)'.dependencies", "", None),
        ("build-dependencies", "", None),
        ("dev-dependencies", "", None),
        ("dependencies", "[lib]\nproc-macro = true\n", None),
    ],
)
def test_of_other_members_those_count_that_are_in_the_program(
    tmp_path: Path, table: str, member: str, reason: str | None
) -> None:
    files = {
        "Cargo.toml": manifest(extra=f'[{table}]\nmember = {{ path = "member" }}\n{MEMBERS}'),
        "member/Cargo.toml": manifest("member", member),
        "member/src/lib.rs": DLOPEN,
    }
    assert said_of(tmp_path, files) == reason


def test_the_package_s_other_binaries_do_not_count(tmp_path: Path) -> None:
    assert said_of(tmp_path, {"src/bin/other.rs": DLOPEN, "Cargo.toml": manifest(extra=DEFAULT)}) is None


DEFAULT = 'default-run = "hello"\n'


@pytest.mark.real
def test_the_build_obeys_and_an_earlier_one_does_not_speak_against_it(tmp_path: Path) -> None:
    calls = 'unsafe extern "C" { fn dlopen(name: *const u8, flags: i32) -> *mut u8; }\n'
    links = []
    for source in (HELLO, calls + HELLO, HELLO):
        plan = prepared(write_project(tmp_path, {"src/main.rs": source})).plan
        links.append(build(SystemRunner(), Notes(), plan, link="auto", colour=False).link)
    assert [link.mode for link in links] == ["static", "dynamic", "static"]
    assert links[1] == LinkChoice(mode="dynamic", reason=OPENS)
