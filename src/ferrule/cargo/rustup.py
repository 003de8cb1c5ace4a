"""What decides which toolchain rustup takes in a folder, told from files: asking rustc costs 15 ms of CPU."""

import os
import shutil
from pathlib import Path

from ferrule.folders import home_folder

TOOLCHAIN_FILES = ("rust-toolchain", "rust-toolchain.toml")
VARIABLES = ("RUSTUP_TOOLCHAIN", "RUSTUP_HOME", "CARGO_HOME", "HOME")
FOR_EVERYBODY = Path("/etc/rustup/settings.toml")


def decisive_facts(folder: Path) -> str | None:
    """A text that is another one whenever rustup may decide otherwise; None where rustc is not rustup's.

    Nobody else's rustc is known well enough: a shim of another tool has rules of its own.
    """
    rustc = _proxy()
    if rustc is None:
        return None
    home = Path(os.environ.get("RUSTUP_HOME") or home_folder() / ".rustup")
    files = (
        rustc,
        FOR_EVERYBODY,
        home / "settings.toml",
        home / "toolchains",  # changes when a toolchain is added, removed or linked to another place
        *(parent / name for parent in (folder, *folder.parents) for name in TOOLCHAIN_FILES),
    )
    variables = (f"{name}={os.environ.get(name, '')}" for name in VARIABLES)
    return "\n".join((str(folder), *variables, *filter(None, map(state, files))))


def state(file: Path) -> str:
    """The file with its time and its size in bytes, or nothing where it is not there."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{file} {found.st_mtime_ns} {found.st_size}"


def _proxy() -> Path | None:
    """The rustc on PATH, if it is rustup under another name."""
    found = None if "RUSTC" in os.environ else shutil.which("rustc")
    try:
        return Path(found) if found and Path(found).samefile(Path(found).with_name("rustup")) else None
    except OSError:
        return None
