"""Folders that stand for the root of an image: paths and contents go in, a `Files` comes out."""

from collections.abc import Mapping
from pathlib import Path

from ferrule.elf.files import LocalFiles

Content = bytes | str
"""A file's bytes, or what a symbolic link says."""


def tree(root: Path, files: Mapping[str, Content]) -> LocalFiles:
    """Write the files (absolute paths) below `root`; a text is a symbolic link's target."""
    for name, content in files.items():
        place = root / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            place.symlink_to(content)
        else:
            place.write_bytes(content)
    return LocalFiles(root)
