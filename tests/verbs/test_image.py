"""What the layers of an image are called: each title says what is in the layer, and no more."""

import json
from pathlib import Path

import pytest

from ferrule.cli.app import run
from tests.fakes.elf import Elf
from tests.fakes.images import entry, folder, image_of, tar_of

ACCOUNTS = (entry("etc/passwd", b"root:x:0:0::/:\n"), entry("etc/group", b"root:x:0:\n"))
REST = (entry("etc/nsswitch.conf"), folder("tmp", 0o1777))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's folder, with a static program and a folder of files in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    Path("shop").write_bytes(Elf().bytes())
    Path("static").mkdir()
    Path("static", "x").write_text("x")


def titles(capsys: pytest.CaptureFixture[str], *flags: str) -> list[str]:
    assert run(["pack", "shop", "-o", "oci:out", *flags]) == 0
    capsys.readouterr()
    assert run(["inspect", "oci:out", "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    return [layer["created_by"].removeprefix("ferrule: ") for layer in layers]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), []),
        (("--volume", "/data"), ["volumes"]),
        (("--file", "static:/app/static"), ["files"]),
        (("--volume", "/data", "--file", "static:/app/static"), ["volumes and files"]),
    ],
)
def test_folders_for_data_are_no_files(
    capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], said: list[str]
) -> None:
    found = titles(capsys, *flags)

    assert found[0] == "base: users, nsswitch and /tmp"
    assert found[-len(said) - 1 :] == [*said, "program shop"]


def test_over_a_base_only_what_it_lacks_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    image_of(Path("bare"), [tar_of([entry("etc/os-release")])])
    image_of(Path("known"), [tar_of([*ACCOUNTS, *REST])])
    image_of(Path("partly"), [tar_of([*REST])])

    assert titles(capsys, "--base", "oci:bare")[1] == "users, nsswitch, /tmp and certificates"
    assert titles(capsys, "--base", "oci:known", "--user", "0")[1] == "certificates"
    assert titles(capsys, "--base", "oci:known", "--user", "7")[1] == "users and certificates"
    assert titles(capsys, "--base", "oci:partly")[1] == "users and certificates"
