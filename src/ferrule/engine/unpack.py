"""Layers go in, a root folder comes out. OCI image specification, Image Layer Filesystem Changeset."""

# Names of the image are text: pathlib would fold them, and take longer.
# ruff: noqa: PTH101, PTH102, PTH112, PTH114, PTH120, PTH123, PTH208, PTH211

import contextlib
import errno
import os
import tarfile
from pathlib import Path
from typing import BinaryIO

from ferrule.capability import ATTRIBUTE, ATTRIBUTE_RECORD, from_attribute
from ferrule.engine.rootfs import RootFolder, has_all_users, make_folders
from ferrule.errors import ImageError, OutputError
from ferrule.image.contents import HINT, MAX_DEPTH, NOT_AS_CONFIGURED, OPAQUE, WHITEOUT, Budget
from ferrule.image.image import Image
from ferrule.image.layer_stream import LayerStream, opened
from ferrule.oci.digest import Digest

MAX_HEADER = 1 << 20
"""Longest extended header of a tar entry, in bytes: tarfile takes it into memory as a whole."""

BROKEN = (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError)
OUR_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def unpack(image: Image, folder: Path, budget: Budget | None = None) -> RootFolder:
    """Unpack every layer into the empty folder, bottom first.

    As root with modes, owners and capabilities; else everything is ours, and folders can be entered by us.
    Devices are left out. `budget` bounds all layers together. Raises `ImageError` for a layer that is not
    what the image says or exceeds the budget, `OutputError` for a full disk.
    """
    root, budget = RootFolder(folder), budget or Budget()
    diff_ids = image.config.rootfs.diff_ids
    if len(diff_ids) != len(image.layers):
        said = f"the image has {len(image.layers)} layers, and its configuration {len(diff_ids)}"
        raise ImageError(said, hint=HINT)
    for layer, diff_id in zip(image.layers, diff_ids, strict=True):
        try:
            with image.blobs.path(layer).open("rb") as raw:
                _unpack_layer(raw, diff_id, root, budget)
        except BROKEN as error:
            raise ImageError(
                f"layer {layer.digest} cannot be unpacked: {_one_line(error)}", hint=HINT
            ) from error
        except OSError as error:
            if error.errno not in OUR_DISK:
                said = f"layer {layer.digest} cannot be unpacked: {error.strerror}"
                raise ImageError(said, hint=HINT) from error
            raise OutputError(
                f"layer {layer.digest} cannot be unpacked into {folder}: {error.strerror or error}",
                hint="free some space, or set TMPDIR to another folder",
            ) from error
    return root


def _unpack_layer(raw: BinaryIO, diff_id: Digest, root: RootFolder, budget: Budget) -> None:
    with (
        opened(raw, budget.inflation) as stream,
        tarfile.open(fileobj=(forward := _Forward(stream)), mode="r:", errorlevel=1) as tar,  # type: ignore[call-overload]  # it reads, tells and seeks: all that tarfile needs
    ):
        layer = _Layer(tar, forward, root)
        for member in tar:
            budget.count(member.name, member.linkname)
            layer.add(member)
            tar.members.clear()  # it remembers every entry else
        _, plain = stream.finish()
    if plain != diff_id:
        raise ValueError(NOT_AS_CONFIGURED)


class _Forward:
    """A layer's stream as tarfile reads it: forward, and no header of any length."""

    def __init__(self, stream: LayerStream) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise ValueError("a header in it is too long")
        return self._stream.read(size)

    def tell(self) -> int:
        return self._stream.position

    def seek(self, position: int) -> None:
        ahead = position - self._stream.position
        if ahead < 0 or not self._stream.skip(ahead):
            raise EOFError("it is cut short, or its entries are not in order")

    def copy(self, member: tarfile.TarInfo, file: BinaryIO) -> None:
        """Write a file's content as it comes: through tarfile every byte would be copied three times."""
        self.seek(member.offset_data)
        if sum(map(file.write, self._stream.parts(member.size))) != member.size:
            raise EOFError("it is cut short")


class _Layer:
    """One layer on its way into the root."""

    def __init__(self, tar: tarfile.TarFile, forward: _Forward, root: RootFolder) -> None:
        self._tar = tar
        self._forward = forward
        self._root = root
        self._made: set[str] = set()
        self._is_root = has_all_users()

    def add(self, member: tarfile.TarInfo) -> None:
        folder, _, name = member.name.rstrip("/").rpartition("/")
        if "\0" in member.name + member.linkname:
            raise ValueError("a name in it has a NUL character")
        if name == OPAQUE:
            self._clear(self._root.place(folder, follow=True))
        elif f"/{WHITEOUT}{WHITEOUT}" in f"/{member.name}":
            return  # notes of an older file system, nothing to do
        elif name.startswith(WHITEOUT):
            self._hide(folder, name.removeprefix(WHITEOUT))
        else:
            place = self._root.place(member.name)
            self._make_way(place, member)
            self._make(place, member)
            self._made.add(place)

    def _hide(self, folder: str, name: str) -> None:
        if name in ("", ".", ".."):
            raise ValueError(f"{WHITEOUT}{name} names nothing that can be removed")
        place = self._root.place(f"{folder}/{name}")
        if place not in self._made:
            self._clear(place)
            if not os.path.isdir(place) or os.path.islink(place) or not os.listdir(place):
                self._root.remove(place)

    def _clear(self, folder: str) -> None:
        """Remove everything below the folder that this layer has not brought itself."""
        if os.path.islink(folder) or not os.path.isdir(folder):
            return
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                self._clear(entry.path)
                if entry.path not in self._made and not os.listdir(entry.path):
                    self._root.remove(entry.path)
            elif entry.path not in self._made:
                self._root.remove(entry.path)

    def _make_way(self, place: str, member: tarfile.TarInfo) -> None:
        if place == os.fspath(self._root.folder) and not member.isdir():
            raise ValueError("it replaces the root by something that is no folder")
        if place.count("/") - os.fspath(self._root.folder).count("/") > MAX_DEPTH:
            raise ValueError(f"its folders are nested more than {MAX_DEPTH} deep")
        if not os.path.lexists(place):
            make_folders(os.path.dirname(place))
        elif not (member.isdir() and os.path.isdir(place) and not os.path.islink(place)):
            self._root.remove(place)

    def _make(self, place: str, member: tarfile.TarInfo) -> None:
        if member.isdir():
            with contextlib.suppress(FileExistsError):
                os.mkdir(place)
        elif member.issym():
            os.symlink(member.linkname, place)
            self._root.forget()
        elif member.islnk():
            target = self._root.place(member.linkname)
            if os.path.isdir(target) and not os.path.islink(target):
                raise ValueError("it has a folder under a second name")
            os.link(target, place, follow_symlinks=False)
            self._root.forget()  # it may be a symbolic link's second name
            return  # mode and owner are those of the file that it is
        elif member.isreg():
            self._write(place, member)
        elif member.isfifo():
            os.mkfifo(place)
        else:
            return
        self._own(place, member)
        self._allow(place, member)

    def _write(self, place: str, member: tarfile.TarInfo) -> None:
        if member.issparse():
            raise ValueError("it has a sparse file, whose size says nothing about the layer's")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(place, flags, 0o600), "wb") as file:
            self._forward.copy(member, file)
        os.utime(place, (member.mtime, member.mtime))

    def _own(self, place: str, member: tarfile.TarInfo) -> None:
        if self._is_root:
            os.chown(place, member.uid, member.gid, follow_symlinks=False)
        if not member.issym():
            ours = 0o700 if member.isdir() and not self._is_root else 0
            os.chmod(place, member.mode & 0o7777 | ours)

    def _allow(self, place: str, member: tarfile.TarInfo) -> None:
        """Comes last: a change of owner takes capabilities away. The start says where the disk refused."""
        self._root.capabilities.pop(place, None)
        record = member.pax_headers.get(ATTRIBUTE_RECORD)
        if record is None or not member.isreg() or ATTRIBUTE_RECORD in self._tar.pax_headers:
            return
        value = record.encode("utf-8", "surrogateescape")
        self._root.capabilities[place] = from_attribute(value)
        if self._is_root:
            with contextlib.suppress(OSError):
                os.setxattr(place, ATTRIBUTE, value, follow_symlinks=False)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
