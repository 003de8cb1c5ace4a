"""Where cargo's configuration comes from: the files on the walk from a folder up to the root and home."""

from pathlib import Path

from ferrule.cargo.toolchain import cargo_home


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
