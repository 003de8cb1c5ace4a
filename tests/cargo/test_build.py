"""Static or dynamic, decided by real builds of small projects."""

import subprocess  # noqa: TID251 - programs that were built are run as a user would
from pathlib import Path

import pytest

from ferrule.cargo.build import Artifact, build
from ferrule.cargo.leaks import find_leaks
from ferrule.cargo.messages import PackageId, parse_package_id
from ferrule.elf.facts import read_binary
from ferrule.errors import BuildError
from ferrule.process import Command, SystemRunner
from tests.cargo_projects import manifest, prepared, write_project
from tests.fakes.report import Notes

pytestmark = pytest.mark.real

LINKS_CRYPT = 'fn main() { println!("cargo:rustc-link-lib=crypt"); }\n'
USES_ONLY = 'unsafe extern "C" { fn only() -> i32; }\nfn main() { println!("{}", unsafe { only() }); }\n'


def make(place: Path, link: str = "auto", notes: Notes | None = None) -> Artifact:
    return build(SystemRunner(), notes or Notes(), prepared(place).plan, link=link, colour=False)


def shared_library(folder: Path) -> Path:
    """`libonly.so`, which has no static sibling."""
    folder.mkdir()
    (folder / "only.c").write_text("int only(void) { return 42; }\n")
    argv = ("gcc", "-shared", "-fPIC", "-o", str(folder / "libonly.so"), str(folder / "only.c"))
    assert SystemRunner().run(Command(argv=argv)).ok
    return folder


def test_a_plain_program_is_static_and_runs(tmp_path: Path) -> None:
    artifact = make(write_project(tmp_path))
    assert artifact.link.mode == "static"
    assert artifact.binary.is_static
    assert subprocess.run([artifact.path], capture_output=True, check=True).stdout == b"hello\n"
    assert artifact.graph == (PackageId(name="hello", version="0.1.0"),)
    # Backups, and `files` around it, know that the folder can be made anew.
    assert (tmp_path / "target" / "ferrule" / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f59")


def test_the_binary_holds_no_path_of_this_machine(tmp_path: Path) -> None:
    text = 'fn main() { let v: Vec<String> = std::env::args().collect(); println!("{}", v[7]); }\n'
    place = write_project(tmp_path / "deep" / "project", {"src/main.rs": text})
    plan = prepared(place).plan
    assert find_leaks(build(SystemRunner(), Notes(), plan, link="auto", colour=False).path, plan) == ()


def test_a_path_that_the_project_itself_prints_is_found(tmp_path: Path) -> None:
    text = 'fn main() { println!("{}/x", env!("CARGO_MANIFEST_DIR")); }\n'
    place = write_project(tmp_path / "deep" / "project", {"src/main.rs": text})
    plan = prepared(place).plan
    leaks = find_leaks(build(SystemRunner(), Notes(), plan, link="auto", colour=False).path, plan)
    assert [leak.crate for leak in leaks] == ["the project itself"]
    assert str(place) in leaks[0].path


def test_the_project_s_own_folder_is_found_without_a_path_behind_it(tmp_path: Path) -> None:
    joined = 'std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("x")'
    text = f'fn main() {{ println!("{{}}", {joined}.display()); }}\n'
    place = write_project(tmp_path / "deep" / "project", {"src/main.rs": text})
    plan = prepared(place).plan
    leaks = find_leaks(build(SystemRunner(), Notes(), plan, link="auto", colour=False).path, plan)
    assert [leak.path for leak in leaks] == [str(place)]


def test_a_system_library_of_a_build_script_means_dynamic_before_anything_is_linked(tmp_path: Path) -> None:
    place = write_project(tmp_path, {"build.rs": LINKS_CRYPT})
    notes = Notes()
    artifact = make(place, notes=notes)
    assert (artifact.link.mode, artifact.link.reason) == ("dynamic", "hello links the system's crypt")
    assert notes.said == ["linking dynamically: hello links the system's crypt", *notes.said[1:]]
    assert artifact.binary.interpreter


def test_the_decision_is_remembered_and_forgotten_when_the_reason_is_gone(tmp_path: Path) -> None:
    place = write_project(tmp_path, {"build.rs": LINKS_CRYPT})
    make(place)
    again = Notes()
    assert make(place, notes=again).link.mode == "dynamic"
    assert again.said == []
    (place / "build.rs").write_text("fn main() {}\n")
    assert make(place).link.mode == "static"


def test_a_library_that_is_only_shared_falls_back_after_the_failed_link(tmp_path: Path) -> None:
    folder = shared_library(tmp_path / "lib")
    script = f'fn main() {{ println!("cargo:rustc-link-search={folder}"); }}\n'
    code = '#[link(name = "only")]\n' + USES_ONLY
    notes = Notes()
    artifact = make(write_project(tmp_path / "p", {"build.rs": script, "src/main.rs": code}), notes=notes)
    assert artifact.link.mode == "dynamic"
    assert artifact.link.reason.startswith("the static link fails: ")
    assert "only" in artifact.link.reason
    assert notes.text == []
    assert "libonly.so" in artifact.binary.needed


def test_a_link_that_succeeds_but_is_not_static_is_found_by_its_headers(tmp_path: Path) -> None:
    folder = shared_library(tmp_path / "lib")
    script = (
        f'fn main() {{ println!("cargo:rustc-link-arg=-L{folder}");'
        ' println!("cargo:rustc-link-arg=-l:libonly.so"); }\n'
    )
    artifact = make(write_project(tmp_path / "p", {"build.rs": script, "src/main.rs": USES_ONLY}))
    assert artifact.link.mode == "dynamic"
    assert artifact.binary.interpreter
    assert "libonly.so" in artifact.binary.needed


def test_flags_of_the_project_that_forbid_static_are_obeyed(tmp_path: Path) -> None:
    config = '[build]\nrustflags = ["-C", "target-feature=-crt-static"]\n'
    artifact = make(write_project(tmp_path, {".cargo/config.toml": config}))
    assert (artifact.link.mode, artifact.link.reason) == (
        "dynamic",
        "the project's own flags turn crt-static off",
    )


def test_dynamic_can_be_asked_for(tmp_path: Path) -> None:
    assert make(write_project(tmp_path), link="dynamic").binary.interpreter


def test_a_program_that_does_not_compile_shows_rustc_s_text_and_fails(tmp_path: Path) -> None:
    notes = Notes()
    with pytest.raises(BuildError, match="cargo could not build hello"):
        make(write_project(tmp_path, {"src/main.rs": "fn main() { nonsense }\n"}), notes=notes)
    assert "cannot find value `nonsense`" in "".join(notes.text)


def test_a_static_link_that_was_asked_for_and_fails_is_an_error(tmp_path: Path) -> None:
    folder = shared_library(tmp_path / "lib")
    script = f'fn main() {{ println!("cargo:rustc-link-search={folder}"); }}\n'
    code = '#[link(name = "only")]\n' + USES_ONLY
    notes = Notes()
    with pytest.raises(BuildError, match="the linker does not find the library only"):
        make(write_project(tmp_path / "p", {"build.rs": script, "src/main.rs": code}), "static", notes)
    assert "linking with" in "".join(notes.text)


def test_a_missing_linker_is_named_with_what_to_install(tmp_path: Path) -> None:
    config = '[target.x86_64-unknown-linux-gnu]\nlinker = "no-such-linker"\n'
    with pytest.raises(BuildError) as caught:
        make(write_project(tmp_path, {".cargo/config.toml": config}))
    assert caught.value.message == "the link needs the program no-such-linker, which is not on PATH"
    assert caught.value.hint.startswith("install no-such-linker")


def test_a_missing_lock_file_that_cargo_writes_is_said(tmp_path: Path) -> None:
    notes = Notes()
    make(write_project(tmp_path), notes=notes)
    assert any("cargo wrote Cargo.lock" in line for line in notes.said)


def test_the_user_s_own_target_folder_stays_as_it_was(tmp_path: Path) -> None:
    place = write_project(tmp_path, {"Cargo.toml": manifest(), "Cargo.lock": ""})
    make(place)
    assert {path.name for path in (place / "target").iterdir()} == {"ferrule"}


def test_variants_share_the_work_and_none_replaces_another_s_program(tmp_path: Path) -> None:
    files = {
        "Cargo.toml": manifest(extra='[dependencies]\npart = { path = "part" }\n'),
        "part/Cargo.toml": manifest("part"),
        "part/src/lib.rs": "",
    }
    place = write_project(tmp_path, files)
    static, dynamic = make(place), make(place, link="dynamic")
    assert static.path != dynamic.path
    assert read_binary(static.path).is_static
    assert not read_binary(dynamic.path).is_static
    assert len(list((place / "target" / "ferrule" / "cargo").rglob("libpart-*.rlib"))) == 1


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("registry+https://example.com/index#libc@0.2.1", "libc", "0.2.1"),
        ("path+file:///a/b/shop#0.4.2", "shop", "0.4.2"),
        ("git+https://example.com/r?branch=x#thing@1.0.0+b", "thing", "1.0.0+b"),
        ("shop 0.1.0 (path+file:///a/shop)", "shop", "0.1.0"),
    ],
)
def test_package_ids_of_every_form_are_read(text: str, name: str, version: str) -> None:
    assert parse_package_id(text) == PackageId(name=name, version=version)
