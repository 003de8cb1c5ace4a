"""Which project, which package, which binary: real cargo, no build."""

from pathlib import Path

import pytest

from ferrule.cargo.feature_set import turned_on
from ferrule.cargo.metadata import find_manifest, read_project
from ferrule.cargo.plan import CargoOptions
from ferrule.cargo.select import select, select_all, select_beside
from ferrule.errors import ProjectError
from ferrule.process import SystemRunner
from tests.cargo_projects import HELLO, manifest, write_files, write_project

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
        "choose one, such as --bin admin, or set default-run in Cargo.toml; `ferrule build --all` takes all",
        [
            "  --bin admin  [[bin]] tools/admin.rs of hello 0.1.0",
            "  --bin hello  src/main.rs of hello 0.1.0",
            "  --bin one    src/bin/one.rs of hello 0.1.0",
        ],
    )


def test_packages_that_depend_on_a_binary_s_package_are_named(tmp_path: Path) -> None:
    uses = '[dependencies]\nserver = { path = "../server" }\n'
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["client", "server", "tool"]\nresolver = "2"\n',
        "server/Cargo.toml": manifest("server"),
        "server/src/main.rs": HELLO,
        "server/src/lib.rs": "",
        "client/Cargo.toml": manifest("client", uses),
        "client/src/main.rs": HELLO,
        "tool/Cargo.toml": manifest("tool", uses),
        "tool/src/lib.rs": "",
    }
    _, _, said = refused(write_files(tmp_path, files))
    assert said == [
        "  --bin client  src/main.rs of client 0.1.0",
        "  --bin server  src/main.rs of server 0.1.0, which client and tool depend on",
    ]


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


def test_a_folder_that_is_not_there_does_not_mean_the_project_around_it(workspace: Path) -> None:
    for name, hint in (
        ("scr", f"did you mean {workspace}/a/src?"),
        ("x", "give the folder of a Cargo project"),
    ):
        with pytest.raises(ProjectError) as caught:
            find_manifest(workspace / "a" / name)
        assert (caught.value.message, caught.value.hint) == (f"there is no {workspace}/a/{name}", hint)


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


def test_the_default_members_count_also_where_the_root_is_a_package(tmp_path: Path) -> None:
    extra = '[workspace]\nmembers = ["server"]\ndefault-members = ["server"]\n'
    files = {
        "Cargo.toml": manifest("tools", extra),
        "src/main.rs": HELLO,
        "server/Cargo.toml": manifest("server"),
        "server/src/main.rs": HELLO,
    }
    place = write_files(tmp_path, files)
    assert choose(place) == ("server", "server", "the only binary")
    assert choose(place, package="tools") == ("tools", "tools", "the only binary")
    assert every(place) == [("server", "server")]


def every(
    place: Path, package: str | None = None, *, features: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    project = read_project(SystemRunner(), place)
    options = CargoOptions(features=features)
    said: list[str] = []
    found = select_all(
        project, package=package, turned_on=lambda each: turned_on(options, each), say=said.append
    )
    return [(each.package.name, each.binary) for each in found] + [("said", line) for line in said]


def test_all_are_the_binaries_of_the_package_or_of_the_default_members_by_name(workspace: Path) -> None:
    (workspace / "b" / "src" / "bin").mkdir()
    (workspace / "b" / "src" / "bin" / "again.rs").write_text(HELLO)
    assert every(workspace) == [("a", "a"), ("b", "again"), ("a", "extra")]
    assert every(workspace, "b") == every(workspace / "b") == [("b", "again")]


def test_all_of_none_or_of_two_with_one_name_is_refused(workspace: Path) -> None:
    with pytest.raises(ProjectError, match="b has no binary target"):
        every(workspace, "b")
    (workspace / "b" / "src" / "bin").mkdir()
    (workspace / "b" / "src" / "bin" / "extra.rs").write_text(HELLO)
    with pytest.raises(ProjectError, match="several packages have a binary 'extra': a, b"):
        every(workspace)


def test_a_binary_without_the_features_that_it_requires_is_left_out_as_cargo_leaves_it_out(
    tmp_path: Path,
) -> None:
    text = (
        '[features]\ndefault = ["net"]\nnet = []\ncli = ["term"]\nterm = []\n'
        '[[bin]]\nname = "tool"\npath = "src/tool.rs"\nrequired-features = ["term", "net"]\n'
    )
    place = write_project(tmp_path, {"Cargo.toml": manifest(extra=text), "src/tool.rs": HELLO})
    left_out = ("said", "leaving out tool: it requires --features term")
    assert every(place) == [("hello", "hello"), left_out]
    for features in (("cli",), ("net,term",), ("hello/cli",)):
        assert every(place, features=features) == [("hello", "hello"), ("hello", "tool")]
    (place / "src" / "main.rs").unlink()
    with pytest.raises(ProjectError, match="every binary requires features that are not turned on"):
        every(place)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("extr", "there is no binary 'extr' in the workspace", "did you mean extra?"),
        ("nope", "there is no binary 'nope' in the workspace", "there is extra, other"),
        ("a", "a is the image's own program", "name the others, or none"),
    ],
)
def test_what_cannot_go_along_is_refused(workspace: Path, name: str, message: str, hint: str) -> None:
    (workspace / "b" / "src" / "bin").mkdir()
    (workspace / "b" / "src" / "bin" / "other.rs").write_text(HELLO)
    project = read_project(SystemRunner(), workspace)
    main = select(project, package=None, binary="a", say=print)
    assert select_beside(project, main, "other").package.name == "b"
    assert select_beside(project, main, "extra").package.name == "a"
    with pytest.raises(ProjectError) as caught:
        select_beside(project, main, name)
    assert (caught.value.message, caught.value.hint) == (message, hint)
