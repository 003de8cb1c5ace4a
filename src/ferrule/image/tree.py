"""The file system that layers add up to, read without unpacking: a `Files` for looking libraries up."""

import gzip
import io
import posixpath
import tarfile
import tempfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import TracebackType
from typing import IO, BinaryIO, Self

from ferrule.elf.links import follow
from ferrule.errors import InvalidValueError
from ferrule.image.image import Image
from ferrule.oci.descriptor import LAYER_ZSTD, Descriptor

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
MAX_FILE_BYTES = 512 << 20
MAX_LAYER_BYTES = 16 << 30
MAX_ENTRIES = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """What stands at a path: kind is file, dir, link or other; `layer` counts from the bottom."""

    kind: str
    layer: int
    mode: int = 0o755
    size: int = 0
    target: str = ""
    offset: int = 0


class LayerTree:
    """The merged tree of an image. A context manager: it keeps uncompressed layers in temporary files.

    Raises `InvalidValueError` for a layer that cannot be read.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self._stack = ExitStack()
        self._layers: list[IO[bytes]] = []
        self.nodes: dict[PurePosixPath, Node] = {PurePosixPath("/"): Node(kind="dir", layer=0)}

    def __enter__(self) -> Self:
        try:
            for number, layer in enumerate(self._image.layers):
                self._apply(number, layer)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def resolve(self, path: PurePosixPath) -> PurePosixPath | None:
        """The regular file behind a path, links followed inside the tree."""
        real = self._follow(path)
        return real if real is not None and self._kind(real) == "file" else None

    def open(self, path: PurePosixPath) -> BinaryIO:
        """The content of a regular file, in memory. Raises `InvalidValueError` for an absurdly large one."""
        node = self.nodes[path]
        if node.size > MAX_FILE_BYTES:
            raise InvalidValueError(f"{path} has {node.size} bytes, too many for a library")
        layer = self._layers[node.layer]
        layer.seek(node.offset)
        return io.BytesIO(layer.read(node.size))

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        """The names in a folder, sorted."""
        real = self._follow(folder)
        if real is None or self._kind(real) != "dir":
            return ()
        return tuple(sorted(path.name for path in self.nodes if path.parent == real and path != real))

    def has(self, path: PurePosixPath) -> bool:
        """Whether anything stands at the path, links in its folder followed."""
        return self._follow(path) in self.nodes

    def _kind(self, path: PurePosixPath) -> str:
        node = self.nodes.get(path)
        return node.kind if node else ""

    def _follow(self, path: PurePosixPath) -> PurePosixPath | None:
        return follow(path, self._link_at)

    def _link_at(self, path: PurePosixPath) -> str | None:
        node = self.nodes.get(path)
        return node.target if node is not None and node.kind == "link" else None

    def _apply(self, number: int, layer: Descriptor) -> None:
        stream = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        try:
            _uncompress(self._image, layer, stream)
            stream.seek(0)
            with tarfile.open(fileobj=stream, mode="r:", errorlevel=1) as archive:
                self._layers.append(stream)
                for member in archive:
                    self._add(number, member)
        except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
            reason = " ".join(str(error).split())
            raise InvalidValueError(f"layer {layer.digest} cannot be read: {reason}") from error

    def _add(self, number: int, member: tarfile.TarInfo) -> None:
        path = self._placed(_normal(member.name))
        if path.name == OPAQUE:
            self._remove(path.parent, below=number)
        elif path.name.startswith(WHITEOUT):
            self._remove(path.parent / path.name.removeprefix(WHITEOUT), below=number, itself=True)
        else:
            if len(self.nodes) > MAX_ENTRIES:
                raise InvalidValueError(f"the image has more than {MAX_ENTRIES} files")
            if not member.isdir():
                self._remove(path, below=number, itself=True)
            self._add_parents(number, path)
            self.nodes[path] = self._node(number, member)

    def _placed(self, path: PurePosixPath) -> PurePosixPath:
        """Where unpacking puts an entry: through the links that lower layers have in its folder."""
        folder = self._follow(path.parent)
        return (folder if folder is not None else path.parent) / path.name

    def _add_parents(self, number: int, path: PurePosixPath) -> None:
        for parent in path.parents:
            if parent in self.nodes:
                return
            self.nodes[parent] = Node(kind="dir", layer=number)

    def _node(self, number: int, member: tarfile.TarInfo) -> Node:
        if member.islnk():
            original = self.nodes.get(_normal(member.linkname))
            return original or Node(kind="other", layer=number)
        kind = (
            "file" if member.isreg() else "dir" if member.isdir() else "link" if member.issym() else "other"
        )
        return Node(
            kind=kind,
            layer=number,
            mode=member.mode,
            size=member.size,
            target=member.linkname,
            offset=member.offset_data,
        )

    def _remove(self, path: PurePosixPath, *, below: int, itself: bool = False) -> None:
        if path not in self.nodes:
            return
        hidden = [here for here in self.nodes if path in here.parents] if self._kind(path) == "dir" else []
        for here in (*hidden, *((path,) if itself else ())):
            if self.nodes[here].layer < below:
                del self.nodes[here]


def _normal(name: str) -> PurePosixPath:
    return PurePosixPath(posixpath.normpath("/" + name.replace("\0", "")).replace("//", "/"))


def _uncompress(image: Image, layer: Descriptor, stream: IO[bytes]) -> None:
    if layer.media_type == LAYER_ZSTD:
        raise ValueError("it is compressed with zstd, which is not read yet")
    with image.blobs.path(layer).open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        source: io.BufferedIOBase = gzip.GzipFile(fileobj=raw) if compressed else raw
        copied = 0
        while chunk := source.read(1 << 20):
            copied += len(chunk)
            if copied > MAX_LAYER_BYTES:
                raise ValueError(f"it has more than {MAX_LAYER_BYTES >> 30} GiB")
            stream.write(chunk)
