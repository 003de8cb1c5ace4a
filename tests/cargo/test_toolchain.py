"""A rustup of two scripts stands for the real one: it writes down each question that it is asked."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cargo.toolchain import Toolchain, read_toolchain
from ferrule.memory import Memory
from ferrule.process import SystemRunner

RUSTUP = """#!/bin/sh
echo "$*" >> "$RUSTUP_HOME/asked"
case "$1" in
    -vV) cat "$RUSTUP_HOME/version" ;;
    --print) echo "$RUSTUP_HOME/toolchains/stable" ;;
esac
"""


class World:
    """A machine with a rustup: its home, the folder of a project, and how often it was asked."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.home = place / "rustup"
        self.project = place / "code" / "project"
        self.rustc = self.home / "toolchains" / "stable" / "bin" / "rustc"
        for folder in (self.project, self.rustc.parent, place / "bin"):
            folder.mkdir(parents=True)
        self.rustc.write_text("one")
        (self.home / "settings.toml").write_text('default_toolchain = "stable"\n')
        self.release("1.95.0")
        (place / "bin" / "rustup").write_text(RUSTUP)
        (place / "bin" / "rustup").chmod(0o755)
        (place / "bin" / "rustc").symlink_to("rustup")

    def release(self, number: str) -> None:
        """What rustc says of itself from now on."""
        lines = (f"rustc {number}", "host: x86_64-unknown-linux-gnu", f"release: {number}", "")
        (self.home / "version").write_text("\n".join(lines))

    def read(self) -> Toolchain:
        """As a run of ferrule does."""
        return read_toolchain(SystemRunner(), self.project, Memory(self.place / "toolchains.json"))

    @property
    def questions(self) -> int:
        """Since the beginning."""
        asked = self.home / "asked"
        return len(asked.read_text().splitlines()) if asked.exists() else 0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("RUSTUP_HOME", str(world.home))
    monkeypatch.delenv("RUSTUP_TOOLCHAIN", raising=False)
    monkeypatch.delenv("RUSTC", raising=False)
    return world


def test_what_rustc_has_said_once_is_not_asked_again(world: World) -> None:
    first = world.read()
    assert first.release == "1.95.0"
    assert first.sysroot == world.home / "toolchains" / "stable"
    assert world.questions == 2
    assert world.read() == first
    assert world.questions == 2


def _update(world: World) -> None:
    world.rustc.write_text("one and more")


def _default(world: World) -> None:
    (world.home / "settings.toml").write_text('default_toolchain = "nightly"\n')


def _link(world: World) -> None:
    os.utime(world.home / "toolchains", ns=(0, 0))


def _pin(world: World) -> None:
    (world.project / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "1.90"\n')


def _pin_above(world: World) -> None:
    (world.project.parent / "rust-toolchain").write_text("1.90\n")


def _rustup(world: World) -> None:
    (world.place / "bin" / "rustup").write_text(RUSTUP + "# a newer one\n")


@pytest.mark.parametrize("change", [_update, _default, _link, _pin, _pin_above, _rustup])
def test_whatever_may_choose_another_toolchain_asks_again(
    world: World, change: Callable[[World], None]
) -> None:
    world.read()
    change(world)
    world.release("1.96.0")
    assert world.read().release == "1.96.0"
    assert world.questions == 4


def test_a_variable_that_chooses_asks_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.read()
    world.release("1.96.0")
    monkeypatch.setenv("RUSTUP_TOOLCHAIN", "nightly")
    assert world.read().release == "1.96.0"


def test_another_rustc_than_that_of_rustup_is_always_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSTC", str(world.place / "bin" / "rustc"))
    world.read()
    world.read()
    assert world.questions == 4
    monkeypatch.delenv("RUSTC")
    (world.place / "bin" / "rustc").unlink()
    (world.place / "bin" / "rustc").write_text(RUSTUP)
    (world.place / "bin" / "rustc").chmod(0o755)
    world.read()
    world.read()
    assert world.questions == 8


@pytest.mark.parametrize("entry", ["null", "[]", '["a", "b"]', "{}", '["", "/nowhere", ""]'])
def test_an_answer_that_makes_no_sense_was_never_given(world: World, entry: str) -> None:
    world.read()
    table = world.place / "toolchains.json"
    key = table.read_text().partition(": [")[0]
    table.write_text(f"{key}: {entry}}}")
    assert world.read().release == "1.95.0"
