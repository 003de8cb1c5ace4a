"""What rustc says of itself: host triple, version and sysroot."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from ferrule.cargo.rustup import decisive_facts, state
from ferrule.cargo.sources import cargo_home
from ferrule.errors import ProjectError
from ferrule.memory import Memory
from ferrule.process import Command, Finished, ProgramMissingError, Runner


class Toolchain(msgspec.Struct, frozen=True, kw_only=True):
    """The Rust toolchain that cargo uses in a folder. `version` is rustc's whole `-vV` text."""

    host: str
    version: str
    sysroot: Path
    cargo_home: Path

    @property
    def release(self) -> str:
        """The version number, such as 1.95.0."""
        return _field(self.version, "release")

    def library_folder(self, triple: str) -> Path:
        """Where the target's standard library lies when it is installed."""
        return self.sysroot / "lib" / "rustlib" / triple / "lib"

    def has_target(self, triple: str) -> bool:
        """Whether programs for the target can be compiled."""
        return any(self.library_folder(triple).glob("libstd-*.rlib"))


def read_toolchain(runner: Runner, folder: Path, memory: Memory) -> Toolchain:
    """Ask rustc in the folder, since a rust-toolchain.toml there may choose it, or remember its answer."""
    facts = decisive_facts(folder)
    version, sysroot = (facts and _remembered(memory.recall(facts))) or _asked(runner, folder)
    if facts:
        memory.remember(facts, [version, sysroot, state(_rustc(sysroot))])
    return Toolchain(
        host=_field(version, "host"), version=version, sysroot=Path(sysroot), cargo_home=cargo_home()
    )


def _asked(runner: Runner, folder: Path) -> tuple[str, str]:
    """Version and sysroot."""
    rustc = os.environ.get("RUSTC", "rustc")
    commands = [Command(argv=(rustc, *flags), cwd=folder) for flags in (("-vV",), ("--print", "sysroot"))]
    with ThreadPoolExecutor(2) as pool:
        version, sysroot = pool.map(lambda command: _ask(runner, command), commands)
    return version, sysroot.strip()


def _remembered(entry: Any) -> tuple[str, str] | None:
    """The same, if the toolchain that they tell of is still what it was."""
    try:
        version, sysroot, rustc = msgspec.convert(entry, tuple[str, str, str])
    except msgspec.ValidationError:
        return None
    return (version, sysroot) if rustc and rustc == state(_rustc(sysroot)) else None


def _rustc(sysroot: str) -> Path:
    return Path(sysroot) / "bin" / "rustc"


def version_numbers(release: str) -> tuple[int, ...]:
    """`1.95.0-nightly` as (1, 95, 0)."""
    return tuple(int(part) for part in release.partition("-")[0].split(".") if part.isdigit())


def _ask(runner: Runner, command: Command) -> str:
    try:
        finished: Finished = runner.run(command)
    except ProgramMissingError as error:
        raise ProjectError(error.message, hint="install Rust with rustup (https://rustup.rs)") from error
    if not finished.ok:
        lines = [line for line in finished.stderr.decode(errors="replace").splitlines() if line.strip()]
        raise ProjectError(
            lines[0].removeprefix("error: ") if lines else "rustc does not answer", hint="run rustc -vV"
        )
    return finished.stdout.decode(errors="replace")


def _field(text: str, name: str) -> str:
    for line in text.splitlines():
        key, _, value = line.partition(": ")
        if key == name:
            return value.strip()
    raise ProjectError(f"rustc -vV does not say its {name}", hint="run rustc -vV")
