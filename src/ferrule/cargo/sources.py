"""Where cargo's configuration comes from: the files on the walk from a folder up to the root and home."""

import os
from pathlib import Path

from ferrule.folders import home_folder


def config_files(folder: Path) -> tuple[Path, ...]:
    """Every configuration file that cargo reads when it runs in the folder, nearest first."""
    homes = [parent / ".cargo" for parent in (folder, *folder.parents)]
    if cargo_home() not in homes:
        homes.append(cargo_home())
    found = (home / name for home in homes for name in ("config.toml", "config"))
    return tuple(path for path in found if path.is_file())


def mentions(files: tuple[Path, ...], words: tuple[str, ...]) -> bool:
    """Whether one of the words stands anywhere in the files; a cheap test before an exact one."""
    return any(word in path.read_text(errors="replace") for path in files for word in words)


def cargo_home() -> Path:
    """Where cargo keeps the sources of dependencies."""
    return Path(os.environ.get("CARGO_HOME") or home_folder() / ".cargo").absolute()


def is_quiet(folder: Path) -> bool:
    """Whether cargo says nothing by itself when it runs in the folder."""
    named = os.environ.get("CARGO_TERM_QUIET", "false")
    return named != "false" or mentions(config_files(folder), ("quiet",))
