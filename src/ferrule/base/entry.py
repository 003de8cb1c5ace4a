"""One thing in an image's file system, as a value: what a base brings along and what layers are made of."""

from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

Kind = Literal["file", "dir", "link"]


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A file, folder or symbolic link at an absolute path of the image.

    A file's content is `source`: bytes, or a file of this machine that is read when the layer is written.
    `target` is what a link says. Owners are numbers. `capabilities` are those that a program starts with.
    """

    path: PurePosixPath
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    source: Path | bytes | None = None
    target: str | None = None
    capabilities: tuple[str, ...] = ()
