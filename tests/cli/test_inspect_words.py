"""What `ferrule inspect` says, on the screen and to machines, and how it names what it refuses."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import LOWER, UPPER, Ferrule, Refused
from tests.fakes.images import entry, folder, image_of, tar_of
from tests.fakes.layouts import Layout


def test_an_image_for_another_platform_than_the_one_that_was_named_is_refused(
    ferrule: Ferrule, refused: Refused
) -> None:
    assert refused("inspect", "layout", "--platform", "linux/arm64") == (
        *(6, "layout is for linux/amd64, not for linux/arm64"),
        "it is for linux/amd64 alone: leave --platform out",
    )
    assert ferrule("inspect", "layout", "--platform", "linux/amd64") == ferrule("inspect", "layout")


def test_the_platforms_that_builds_are_for_are_not_asked_for_here(
    ferrule: Ferrule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERRULE_PLATFORM", "linux/arm64,linux/s390x")

    assert "platform  linux/amd64\n" in ferrule("inspect", "layout")


DIGEST = f"sha256:{'5' * 64}"
LABEL = "org.opencontainers.image.base"


@pytest.mark.parametrize(
    ("labels", "base", "line"),
    [
        (
            {f"{LABEL}.name": "gcr.io/a/b:1", f"{LABEL}.digest": DIGEST},
            {"name": "gcr.io/a/b:1", "digest": DIGEST, "known_by": "labels"},
            f"gcr.io/a/b:1@{DIGEST}, as its labels say",
        ),
        (
            {f"{LABEL}.digest": DIGEST},
            {"name": None, "digest": DIGEST, "known_by": "labels"},
            f"{DIGEST}, as its labels say",
        ),
        (
            {},
            {"name": "Tiny 1 (test)", "digest": None, "known_by": "os-release"},
            "Tiny 1 (test), as its os-release says; no label names it",
        ),
    ],
)
def test_the_base_is_said_once_and_in_parts_for_machines(
    ferrule: Ferrule, tmp_path: Path, labels: dict[str, str], base: dict[str, str | None], line: str
) -> None:
    image_of(tmp_path / "based", [LOWER], Labels={**labels, "title": "tool"})

    said, shown = json.loads(ferrule("inspect", "based", "--json")), ferrule("inspect", "based")

    assert said["base"] == base
    assert said["config"]["Labels"] == {**labels, "title": "tool"}
    assert f"   labels  title=tool\n     base  {line}\n" in shown
    assert LABEL not in shown


@pytest.mark.parametrize(
    ("created_by", "base", "line"),
    [
        (
            "ferrule: program shop",
            {"name": "scratch", "digest": None, "known_by": "history"},
            "scratch: every",
        ),
        ("COPY shop /app", {"name": None, "digest": None, "known_by": None}, "unknown: no label"),
    ],
)
def test_without_labels_and_os_release_the_history_may_tell_the_base(
    ferrule: Ferrule, tmp_path: Path, created_by: str, base: dict[str, str | None], line: str
) -> None:
    layout = Layout(tmp_path / "made")
    layout.offer(layout.image(UPPER, history=[{"created_by": created_by}]))

    assert json.loads(ferrule("inspect", "made", "--json"))["base"] == base
    assert f"     base  {line}" in ferrule("inspect", "made")


def test_what_the_old_builder_puts_before_a_line_is_left_out_on_the_screen(
    ferrule: Ferrule, tmp_path: Path
) -> None:
    line = "/bin/sh -c #(nop) COPY file:1 in /app/shop"
    layout = Layout(tmp_path / "old")
    layout.offer(layout.image(UPPER, history=[{"created_by": line}]))

    assert "1 removal  COPY file:1 in /app/shop\n" in ferrule("inspect", "old")
    assert json.loads(ferrule("inspect", "old", "--json"))["layers"][0]["created_by"] == line


def test_removals_stand_where_the_files_stood(ferrule: Ferrule, tmp_path: Path) -> None:
    files = [
        folder("etc"),
        *(entry(f"etc/{name}") for name in ("zones", ".wh.shadow", "apt", ".wh..wh..opq")),
    ]
    image_of(tmp_path / "gone", [LOWER, tar_of(files)])

    shown = ferrule("inspect", "gone", "--layer", "2").splitlines()

    assert [line.rpartition("      ")[2] for line in shown] == [
        *("etc/", "(removes everything that lower layers have here)", "apt", "shadow (removed)", "zones"),
    ]
    assert "2 files, 2 removals" in ferrule("inspect", "gone")


@pytest.mark.parametrize("name", ["debian", "gone/shop"])
def test_a_name_that_could_be_an_image_comes_with_how_images_are_written(
    refused: Refused, tmp_path: Path, name: str
) -> None:
    (tmp_path / "gone").mkdir()

    code, error, hint = refused("inspect", name)

    assert (code, error) == (3, f"cannot read {name}: No such file or directory")
    assert f"{name}:latest, oci:DIR" in hint
    assert "image" not in refused("inspect", f"./{name}")[2]


def test_a_folder_beside_it_makes_no_file_of_an_image_with_a_tag(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "127.0.0.1:1").mkdir()

    assert refused("inspect", "127.0.0.1:1/shop:v1")[:2] == (5, "127.0.0.1:1 refuses the connection")
