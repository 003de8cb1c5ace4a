"""What rustc says of itself: host triple, version and sysroot."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from ferrule.cargo.sources import cargo_home
from ferrule.errors import ProjectError
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


def read_toolchain(runner: Runner, folder: Path) -> Toolchain:
    """Ask rustc in the folder, since a rust-toolchain.toml there may choose it."""
    rustc = os.environ.get("RUSTC", "rustc")
    commands = [Command(argv=(rustc, *flags), cwd=folder) for flags in (("-vV",), ("--print", "sysroot"))]
    with ThreadPoolExecutor(2) as pool:
        version, sysroot = pool.map(lambda command: _ask(runner, command), commands)
    return Toolchain(
        host=_field(version, "host"), version=version, sysroot=Path(sysroot.strip()), cargo_home=cargo_home()
    )


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
