"""Which project, which package, which binary: real cargo, no build."""

from pathlib import Path

import pytest

from ferrule.cargo.metadata import find_manifest, read_project
from ferrule.cargo.select import select
from ferrule.errors import ProjectError
from ferrule.process import SystemRunner
from tests.cargo_projects import HELLO, manifest, write_project

WORKSPACE = '[workspace]\nmembers = ["a", "b"]\nresolver = "2"\n'


def choose(
    place: Path, package: str | None = None, binary: str | None = None, said: list[str] | None = None
) -> tuple[str, str, str]:
    project = read_project(SystemRunner(), place)
    found = select(project, package=package, binary=binary, say=(said if said is not None else []).append)
    return found.package.name, found.binary, found.reason


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    files = {
        "Cargo.toml": WORKSPACE,
        "a/Cargo.toml": manifest("a", 'default-run = "a"\n'),
        "a/src/main.rs": HELLO,
        "a/src/bin/extra.rs": HELLO,
        "b/Cargo.toml": manifest("b"),
        "b/src/lib.rs": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_folder_and_its_cargo_toml_mean_the_same(tmp_path: Path) -> None:
    write_project(tmp_path)
    assert choose(tmp_path) == choose(tmp_path / "Cargo.toml") == ("hello", "hello", "the only binary")


def test_default_run_decides_between_several(workspace: Path) -> None:
    assert choose(workspace) == ("a", "a", "default-run in Cargo.toml")
    assert choose(workspace / "a", binary="extra") == ("a", "extra", "asked for by --bin")


def refused(place: Path, package: str | None = None, binary: str | None = None) -> tuple[str, str, list[str]]:
    said: list[str] = []
    with pytest.raises(ProjectError) as caught:
        choose(place, package, binary, said)
    return caught.value.message, caught.value.hint, said


def test_several_binaries_without_a_choice_are_listed_with_what_each_is(tmp_path: Path) -> None:
    named = '[[bin]]\nname = "admin"\npath = "tools/admin.rs"\n'
    files = {"Cargo.toml": manifest(extra=named), "tools/admin.rs": HELLO, "src/bin/one.rs": HELLO}
    assert refused(write_project(tmp_path, files)) == (
        "there are several binaries: admin, hello, one",
        "choose one, such as --bin admin, or set default-run in Cargo.toml",
        [
            "  --bin admin  tools/admin.rs of hello 0.1.0",
            "  --bin hello  src/main.rs of hello 0.1.0",
            "  --bin one    src/bin/one.rs of hello 0.1.0",
        ],
    )


def test_binaries_of_one_name_are_listed_with_their_packages(workspace: Path) -> None:
    (workspace / "b" / "src" / "bin").mkdir()
    (workspace / "b" / "src" / "bin" / "extra.rs").write_text(HELLO)
    assert refused(workspace, binary="extra") == (
        "several packages have a binary 'extra': a, b",
        "choose the package, such as --package a",
        [
            "  --package a --bin extra  src/bin/extra.rs of a 0.1.0",
            "  --package b --bin extra  src/bin/extra.rs of b 0.1.0",
        ],
    )


@pytest.mark.parametrize(
    ("package", "binary", "message", "hint"),
    [
        ("aa", None, "there is no package 'aa' in the workspace", "did you mean --package a?"),
        ("shop", None, "there is no package 'shop' in the workspace", "there is a, b"),
        (
            "b",
            None,
            "b has no binary target: only a program can become an image",
            "give a package with a binary by --package, or add src/main.rs",
        ),
        (None, "extras", "there is no binary 'extras'", "did you mean --bin extra?"),
        (None, "nope", "there is no binary 'nope'", "there is a, extra"),
    ],
)
def test_a_wrong_choice_is_refused_with_the_nearest_or_all(
    workspace: Path, package: str | None, binary: str | None, message: str, hint: str
) -> None:
    assert refused(workspace, package, binary) == (message, hint, [])


def test_a_folder_of_a_package_means_the_package(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose(workspace / "a" / "src" / "bin") == choose(workspace / "a")
    assert find_manifest(workspace / "b" / "src") == workspace / "b" / "Cargo.toml"
    monkeypatch.chdir(workspace / "a" / "src")
    assert find_manifest(Path()) == workspace / "a" / "Cargo.toml"


def test_a_cargo_toml_that_is_named_is_not_searched_for(workspace: Path) -> None:
    with pytest.raises(ProjectError, match=r"there is no Cargo\.toml in"):
        find_manifest(workspace / "a" / "src" / "Cargo.toml")


def test_projects_below_a_folder_without_one_are_named(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "top"
    for name in ("backend", "tools/seed", "backend/inner", "target/package/x", ".hidden/x", "a/b/c/too-deep"):
        write_project(top / name)
    monkeypatch.chdir(top)
    (tmp_path / "Cargo.toml").unlink()
    for place, hint in (
        (Path(), "did you mean ./backend or ./tools/seed?"),
        (Path("tools"), "did you mean ./tools/seed?"),
        (top / "tools", f"did you mean {top}/tools/seed?"),
        (Path("a/b"), "did you mean ./a/b/c/too-deep?"),
        (Path(".empty/none"), "give the folder of a Cargo project"),
    ):
        with pytest.raises(ProjectError) as caught:
            find_manifest(place)
        assert caught.value.hint == hint
