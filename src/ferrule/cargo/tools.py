"""The linkers of this machine: what `choose_target` may choose from."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ferrule.cargo.sources import config_files
from ferrule.cargo.target import TRIPLES, CrossCompiler, Tools
from ferrule.cargo.toolchain import Toolchain
from ferrule.errors import ProjectError
from ferrule.process import Command, ProgramMissingError, Runner
from ferrule.report import Report

COMPILERS = {
    "aarch64-unknown-linux-gnu": "aarch64-linux-gnu",
    "x86_64-unknown-linux-gnu": "x86_64-linux-gnu",
    "riscv64gc-unknown-linux-gnu": "riscv64-linux-gnu",
    "armv7-unknown-linux-gnueabihf": "arm-linux-gnueabihf",
    "s390x-unknown-linux-gnu": "s390x-linux-gnu",
    "powerpc64le-unknown-linux-gnu": "powerpc64le-linux-gnu",
    "i686-unknown-linux-gnu": "i686-linux-gnu",
}
"""Triple → how distributions begin the names of its C compiler, and of its folder in /usr."""


def find_tools(toolchain: Toolchain, folder: Path) -> Tools:
    """Look around. `folder` is where cargo will run: its configuration may name linkers."""
    zig = _zig()
    return Tools(
        zig=zig,
        python=Path(sys.executable) if zig and importlib.util.find_spec("ziglang") else None,
        compilers=dict(_compilers()),
        has_rust_lld=(toolchain.library_folder(toolchain.host).parent / "bin" / "rust-lld").is_file(),
        own_linkers=frozenset(_own_linkers(folder)),
    )


def add_target(runner: Runner, report: Report, toolchain: Toolchain, triple: str, folder: Path) -> None:
    """Have the target's standard library. Raises `ProjectError` that says what to type."""
    if toolchain.has_target(triple):
        return
    hint = f"type: rustup target add {triple}"
    missing = f"the standard library for {triple} is not installed"
    try:
        with report.step(f"rustup target add {triple}"):
            finished = runner.run(Command(argv=("rustup", "target", "add", triple), cwd=folder))
    except ProgramMissingError as error:
        raise ProjectError(missing, hint="install Rust by rustup, which can add it") from error
    if not (finished.ok and toolchain.has_target(triple)):
        lines = finished.stderr.decode(errors="replace").splitlines()
        reason = next((line.removeprefix("error: ") for line in lines if line.startswith("error")), "")
        if "no prebuilt artifacts" in reason or "does not support target" in reason:
            hint = "Rust makes none; choose another --link, or another platform"
        raise ProjectError(f"{missing}{f': {reason}' if reason else ''}", hint=hint)


def _zig() -> Path | None:
    """cargo-zigbuild beside our own Python, where `ferrule[zig]` puts it, or on PATH."""
    beside = Path(sys.executable).with_name("cargo-zigbuild")
    found = str(beside) if beside.is_file() else shutil.which("cargo-zigbuild")
    return Path(found) if found else None


def _compilers() -> Iterator[tuple[str, CrossCompiler]]:
    for triple, name in COMPILERS.items():
        program = f"{name}-gcc"
        if shutil.which(program) is not None:
            places = (Path("/usr") / name / "lib" / "libc.a", Path("/usr/lib") / name / "libc.a")
            static = any(place.is_file() for place in places)
            yield triple, CrossCompiler(program=program, has_static_libc=static)


def _own_linkers(folder: Path) -> Iterator[str]:
    texts = [path.read_text(errors="replace") for path in config_files(folder)]
    configured = [text for text in texts if "linker" in text]
    for form in TRIPLES.values():
        for triple in (form.format("gnu"), form.format("musl")):
            variable = f"CARGO_TARGET_{triple.upper().replace('-', '_')}_LINKER"
            if variable in os.environ or any(triple in text for text in configured):
                yield triple
