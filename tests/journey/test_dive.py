"""What we count as hidden in an image, dive counts too.

dive adds up every copy of a path that several layers have, or that one removes: the copies that are hidden,
and the last one, which is not. It does not look into folders that are removed as a whole.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ferrule.image.archive import write_archive
from ferrule.oci.reference import parse_reference
from tests.fakes.images import entry, folder, hard_link, image_of, link, tar_of
from tests.journey.conftest import BASES, ShopImage
from tests.journey.ferrule import ferrule, tool

pytestmark = pytest.mark.real

DIVE = Path(sys.executable).parent / "dive"


def content(size: int) -> bytes:
    return b"x" * size


LAYERED = {
    "replaced": (
        tar_of([entry("a", content(1000)), entry("b", content(300))]),
        tar_of([entry("a", content(700))]),
        tar_of([entry("a", content(1))]),
    ),
    "removed": (
        tar_of([entry("etc/a", content(1000)), entry("etc/b", content(20))]),
        tar_of([entry("etc/.wh.a")]),
    ),
    "removed and back": (
        tar_of([entry("a", content(10))]),
        tar_of([entry(".wh.a"), entry("c", content(5))]),
        tar_of([entry("a", content(30)), entry("c", content(5))]),
    ),
    "links": (
        tar_of([entry("bin/a", content(90)), link("bin/b", "a"), hard_link("bin/c", "bin/a")]),
        tar_of([entry("bin/b", content(40)), link("bin/c", "b")]),
    ),
    "folders": (
        tar_of([folder("var"), folder("var/log"), entry("var/log/x", content(60), mode=0o600)]),
        tar_of([folder("var"), folder("var/log", 0o700), entry("var/log/x", content(60))]),
    ),
}
"""Images as other builders make them, in layers that hide each other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """Bytes by path, and their sum, as dive has them."""

    total: int
    paths: dict[str, int]


def by_dive(archive: Path) -> Counted:
    said = archive.with_suffix(".json")
    tool(DIVE, "--source", "docker-archive", archive, "--json", said)
    image = json.loads(said.read_text())["image"]
    files = {each["file"]: each["sizeBytes"] for each in image["fileReference"]}
    return Counted(total=image["inefficientBytes"], paths=files)


def by_us(archive: Path) -> Counted:
    report: dict[str, Any] = json.loads(ferrule("inspect", "--files", "--json", f"docker-archive:{archive}"))
    seen = {file["path"]: file["size"] for file in report["files"]}
    paths: dict[str, int] = {}
    for file in report["hidden"]["files"]:
        path = file["path"]
        paths[path] = paths.get(path, seen.get(path, 0)) + file["size"]
    return Counted(total=sum(paths.values()), paths=paths)


@pytest.mark.parametrize("name", LAYERED)
def test_dive_counts_what_layers_hide_of_each_other(tmp_path: Path, name: str) -> None:
    image = image_of(tmp_path / "layout", LAYERED[name])
    write_archive(image, (parse_reference("layered:1"),), tmp_path / "image.tar")

    ours = by_us(tmp_path / "image.tar")

    assert ours.total > 0
    assert ours == by_dive(tmp_path / "image.tar")


@pytest.mark.parametrize("base", BASES)
def test_dive_finds_as_little_waste_in_our_images_as_we_do(
    shop_images: dict[str, ShopImage], base: str
) -> None:
    archive = shop_images[base].archive

    assert by_us(archive).total == by_dive(archive).total


def test_files_of_a_folder_that_is_removed_are_hidden_for_us_and_not_for_dive(tmp_path: Path) -> None:
    layers = (tar_of([entry("d/x", content(500)), entry("d/y", content(50))]), tar_of([entry(".wh.d")]))
    write_archive(image_of(tmp_path / "layout", layers), (parse_reference("a:1"),), tmp_path / "image.tar")

    assert by_us(tmp_path / "image.tar").paths == {"/d/x": 500, "/d/y": 50}
    assert by_dive(tmp_path / "image.tar").total == 0
