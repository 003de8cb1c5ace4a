"""Rust's other targets for tests: added by rustup where that is possible, once and for all projects."""

from ferrule.process import Command, SystemRunner
from tests.parts.debian import locked
from tests.parts.need import need

TARGETS = ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu")


def need_targets() -> None:
    """Have the standard libraries of `TARGETS` in the toolchain that is in use here."""
    with locked("rust-targets"):
        added = SystemRunner().run(Command(argv=("rustup", "target", "add", *TARGETS)))
    need(added.ok, f"Rust's targets {', '.join(TARGETS)} (rustup target add)")
