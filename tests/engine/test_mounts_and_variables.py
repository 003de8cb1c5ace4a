"""Mounts and variables: what must be the same on every engine."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.engine.engine import RunRequest
from ferrule.engine.mount import Mount
from ferrule.errors import EngineError, ImageError
from tests.engine.bench import Bench
from tests.fakes.images import entry, folder, link


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of this machine that any user may write to, with a file in it."""
    place = tmp_path / "a folder"
    place.mkdir()
    place.chmod(0o777)
    (place / "file").write_text("of this machine\n")
    # The folders above belong to the test alone, and programs run as somebody else.
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return place


def mounted(request: RunRequest, *mounts: Mount) -> RunRequest:
    return replace(request, mounts=mounts)


def test_a_folder_is_shown_where_it_was_asked_for(bench: Bench, data: Path) -> None:
    request = mounted(bench.image(Cmd=["show", "/deep/in/there/file"]), _at(data, "/deep/in/there"))
    assert bench.run(request).out == "of this machine\n"
    assert bench.run(replace(request, args=("put", "/deep/in/there/new"))).code == 0
    assert (data / "new").read_text() == "1\n"


def test_a_folder_hides_what_the_image_has_there(bench: Bench, data: Path) -> None:
    request = bench.image(folder("app"), entry("app/mine", b"x"), Cmd=["list", "/app"])
    assert bench.run(mounted(request, _at(data, "/app"))).out == "file\n"
    assert bench.run(request).out == "mine\n"


def test_a_read_only_folder_cannot_be_written_to(bench: Bench, data: Path) -> None:
    request = mounted(bench.image(Cmd=["put", "/data/new"], User="0"), _at(data, "/data", read_only=True))
    outcome = bench.run(request)
    assert (outcome.code, outcome.out) == (1, "/data/new: Read-only file system\n")
    assert not (data / "new").exists()


def test_a_file_is_shown_alone(bench: Bench, data: Path) -> None:
    request = bench.image(folder("etc"), entry("etc/app.toml", b"of the image"))
    for target in ("/etc/app.toml", "/new/app.toml"):
        shown = mounted(replace(request, args=("show", target)), _at(data / "file", target))
        assert bench.run(shown).out == "of this machine\n"


def test_memory_is_empty_and_for_every_user(bench: Bench) -> None:
    request = mounted(bench.image(Cmd=["list", "/cache"], User="65532"), Mount(source="", target="/cache"))
    assert bench.run(request).out == ""
    assert bench.run(replace(request, args=("put", "/cache/new"))).code == 0


def test_memory_has_the_mode_of_the_folder_that_the_image_has_there(bench: Bench) -> None:
    request = bench.image(folder("cache", 0o755), entry("cache/old", b"x"), User="65532")
    request = mounted(request, Mount(source="", target="/cache"))
    assert bench.run(replace(request, args=("list", "/cache"))).out == ""
    denied = bench.run(replace(request, args=("put", "/cache/new")))
    assert (denied.code, denied.out) == (1, "/cache/new: Permission denied\n")


def test_mounts_lie_in_one_another_in_their_order(bench: Bench, data: Path, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep").write_text("inner\n")
    (data / "sub").mkdir()
    request = bench.image(Cmd=["show", "/data/sub/deep"])
    outcome = bench.run(mounted(request, _at(data, "/data"), _at(tmp_path / "inner", "/data/sub")))
    assert outcome.out == "inner\n"
    assert list((data / "sub").iterdir()) == []


def test_links_of_the_image_lead_to_places_in_the_image(bench: Bench, data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    request = bench.image(
        link("absolute", str(outside)),
        folder("real"),
        link("up", "../../../../../../real"),
    )
    for target in ("/up/data", "/real/data"):
        request = replace(request, args=("show", f"{target}/file"))
        assert bench.run(mounted(request, _at(data, target))).out == "of this machine\n"
    with suppress(ImageError, EngineError):  # a link to nowhere may be refused, or filled
        bench.run(mounted(request, _at(data, "/absolute/data")))
    assert list(outside.iterdir()) == []


def test_a_folder_on_a_file_is_refused(bench: Bench, data: Path) -> None:
    with pytest.raises((ImageError, EngineError), match=r"(?i)not a directory"):
        bench.run(mounted(bench.image(entry("file", b"x")), _at(data, "/file")))


def test_a_variable_without_a_value_is_taken_from_the_image(bench: Bench) -> None:
    request = bench.image(Env=["KEEP=1", "DROP=2"])
    env = bench.run(replace(request, env=(("DROP", None), ("NEVER", None)))).all("env")
    assert "KEEP=1" in env
    assert not [pair for pair in env if pair.startswith(("DROP", "NEVER"))]


def test_values_arrive_as_they_are(bench: Bench) -> None:
    values = {
        "QUOTED": "\"a 'b'\"",
        "BLANKS": "  a # b \t",
        "EQUALS": "a=b=c",
        "DOLLAR": "$HOME ${HOME} `id` \\n",
        "EMPTY": "",
        "UMLAUT": "\u00fc",
        "#NAME": "1",
        "BACK": "a\r",
    }
    bench.run(replace(bench.image(), env=tuple(values.items())))
    said = (bench.folder / "out").read_bytes().decode().split("\n")
    assert {f"env {name}={value}" for name, value in values.items()} <= set(said)


def test_a_value_of_several_lines_arrives_whole(bench: Bench) -> None:
    value = "-----BEGIN KEY-----\nA=1\n'\n"
    assert f"env KEY={value}" in bench.run(replace(bench.image(), env=(("KEY", value),))).out


def _at(source: Path, target: str, *, read_only: bool = False) -> Mount:
    return Mount(source=str(source), target=target, read_only=read_only)
