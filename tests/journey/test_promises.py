"""What the README promises of the example's image."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from ferrule.cargo.build import build
from ferrule.cargo.graph import read_graph
from ferrule.elf.facts import read_binary
from ferrule.process import SystemRunner
from ferrule.verbs.prepare import prepare
from tests.cargo_projects import context_of, request_for
from tests.fakes.report import Notes
from tests.journey.conftest import ShopImage
from tests.journey.ferrule import ROOT, SHOP, ferrule, tool

pytestmark = pytest.mark.real
MOST_BESIDE_THE_BINARY = 300_000


def tree_hash(folder: Path) -> dict[str, str]:
    """Every file but those of target/, with its content's digest and mode."""
    return {
        str(
            path.relative_to(folder)
        ): f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "target" not in path.relative_to(folder).parts
    }


def built_image(*arguments: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    """The only image of what was built."""
    answer = json.loads(ferrule("build", *arguments, "--json", env=env))
    (image,) = answer["images"]
    assert image["digest"] == answer["digest"]
    return dict(image)


def test_the_default_image_is_a_static_binary_on_scratch_and_little_more() -> None:
    built = built_image(str(SHOP))
    binary = read_binary(Path(str(built["binary"])))
    assert (built["base"], built["link"]) == (
        "scratch",
        {"mode": "static", "reason": "nothing in the graph needs a shared library at run time"},
    )
    assert binary.is_static
    assert binary.size < built["size"]["unpacked"] <= binary.size + MOST_BESIDE_THE_BINARY


def test_neither_plan_nor_build_changes_the_source_tree() -> None:
    before = tree_hash(SHOP)
    assert len(before) > 10
    ferrule("plan", str(SHOP))
    ferrule("build", str(SHOP))
    assert tree_hash(SHOP) == before


def test_a_second_build_compresses_nothing_and_gives_the_same_digest(tmp_path: Path) -> None:
    env = {"FERRULE_CACHE_DIR": str(tmp_path / "cache")}
    places = (tmp_path / "cache", SHOP / "target" / "ferrule" / "image")
    first = built_image(str(SHOP), env=env)
    before = written(*places)
    assert len(before) > 10
    assert built_image(str(SHOP), env=env)["digest"] == first["digest"]
    assert written(*places) == before


def written(*places: Path) -> dict[Path, int]:
    """What a write would change: a new file is another inode, and a folder tells when a part was in it."""
    facts = {path: path.stat() for place in places for path in place.rglob("*")}
    return {path: fact.st_mtime_ns if path.is_dir() else fact.st_ino for path, fact in facts.items()}


def test_the_binary_holds_no_path_of_this_machine(shop_images: dict[str, ShopImage], tmp_path: Path) -> None:
    ferrule("build", str(SHOP), "-o", f"binary:{tmp_path / 'shop'}")
    text = tool("strings", "-n", "6", tmp_path / "shop")
    places = [
        ROOT,
        Path.home() / ".cargo",
        Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")),
        Path.home(),
    ]
    for place in places:
        assert not re.search(rf"{re.escape(str(place))}/", text)
    assert "/cargo/registry/" in text or "/src/" in text


def test_another_folder_home_and_cargo_home_give_the_same_digest(tmp_path: Path) -> None:
    """The one test that compiles every dependency again."""
    here = built_image(str(SHOP), "--locked")
    ignore = shutil.ignore_patterns("target")
    elsewhere = shutil.copytree(SHOP, tmp_path / "some where" / "else", ignore=ignore)
    env = {
        "HOME": str(tmp_path / "home"),
        "CARGO_HOME": str(tmp_path / "cargo"),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
        "FERRULE_CACHE_DIR": str(tmp_path / "cache"),
    }
    (tmp_path / "home").mkdir()
    there = built_image(str(elsewhere), "--locked", env=env)
    assert there["digest"] == here["digest"]
    text = tool("strings", "-n", "6", str(there["binary"]))
    assert str(tmp_path) not in text


def test_time_from_source_date_epoch_reaches_the_image_and_nothing_else_does(tmp_path: Path) -> None:
    layout = f"oci:{tmp_path / 'layout'}:timed"
    ferrule("build", str(SHOP), "-o", layout, env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert json.loads(tool("skopeo", "inspect", "--config", layout))["created"] == "2023-11-14T22:13:20Z"


def test_plan_knows_exactly_the_crates_that_the_build_compiles_in(tmp_path: Path) -> None:
    plan = prepare(context_of(tmp_path), request_for(SHOP)).plan
    built = build(SystemRunner(), Notes(), plan, link="auto", colour=False)
    known = read_graph(SystemRunner(), plan)
    assert known.source == "cargo tree"
    assert set(known.packages) == set(built.graph)
    assert len(known.packages) > 100
