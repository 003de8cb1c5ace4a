"""Features of the command line for the packages that have them; what cargo takes is asked of cargo itself."""

from pathlib import Path

import pytest

from ferrule.cargo.feature_set import options_for
from ferrule.cargo.metadata import read_project
from ferrule.cargo.plan import CargoOptions
from ferrule.process import Command, SystemRunner
from tests.cargo_projects import HELLO, manifest, write_files


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    base = '[dependencies]\nbase = { path = "../base" }\n'
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["one", "two", "base"]\nresolver = "2"\n',
        "one/Cargo.toml": manifest("one", "[features]\nshared = []\nown = []\n" + base),
        "one/src/main.rs": HELLO,
        "two/Cargo.toml": manifest("two", "[features]\nshared = []\n"),
        "two/src/main.rs": HELLO,
        "base/Cargo.toml": manifest("base", "[features]\nfast = []\n"),
        "base/src/lib.rs": "",
    }
    return write_files(tmp_path, files)


@pytest.mark.parametrize(
    ("asked", "one", "two"),
    [
        (("shared",), ("shared",), ("shared",)),
        (("own shared",), ("own", "shared"), ("shared",)),
        (("own", "two/shared"), ("own",), ("two/shared",)),
        (("base/fast,own",), ("base/fast", "own"), ()),
        (("nobodys",), ("nobodys",), ("nobodys",)),
    ],
)
def test_each_package_gets_the_features_that_it_has(
    workspace: Path, asked: tuple[str, ...], one: tuple[str, ...], two: tuple[str, ...]
) -> None:
    packages = {each.name: each for each in read_project(SystemRunner(), workspace).workspace.packages}
    chosen = (packages["one"], packages["two"])
    for package, expected in zip(chosen, (one, two), strict=True):
        options = options_for(CargoOptions(features=asked), package, chosen)
        assert options.features == expected
        argv = ("cargo", "tree", "-p", package.name, "--offline", *options.feature_flags)
        assert SystemRunner().run(Command(argv=argv, cwd=workspace)).ok == (asked != ("nobodys",))
