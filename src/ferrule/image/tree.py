"""The file system that layers add up to, read without unpacking: a `Files` for looking libraries up."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from ferrule.errors import InvalidValueError, OutputError
from ferrule.folders import temporary_folder
from ferrule.image.contents import HINT, NOT_AS_CONFIGURED, Budget, DamagedLayerError, read_members
from ferrule.image.image import Image
from ferrule.image.layer_stream import OUTPUT, LayerError, opened
from ferrule.image.stack import Node, Stack
from ferrule.image.store import BlobMissingError
from ferrule.image.untar import FileSource, TarError
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import Digest

MAX_FILE_BYTES = 512 << 20


class LayerTree:
    """The merged tree of an image, and the content of its files. Made by `tree_of`."""

    def __init__(self, stack: Stack, layers: tuple[IO[bytes], ...]) -> None:
        self._stack = stack
        self._layers = layers

    @cached_property
    def paths(self) -> frozenset[PurePosixPath]:
        """Everything that is there."""
        return frozenset(PurePosixPath("/", path) for path in self._stack.nodes)

    @cached_property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(node.member.size for node in self._stack.nodes.values())

    def resolve(self, path: PurePosixPath) -> PurePosixPath | None:
        """The regular file behind a path, links followed inside the tree."""
        real = self._real(path)
        return None if real is None or self._file(real) is None else PurePosixPath("/", real)

    def open(self, path: PurePosixPath) -> BinaryIO:
        """The content of a regular file, in memory. Raises `InvalidValueError` for an absurdly large one."""
        node = self._file(_name(path))
        if node is None:
            raise FileNotFoundError(f"{path} is no regular file of the image")
        if node.member.size > MAX_FILE_BYTES:
            raise InvalidValueError(f"{path} has {node.member.size} bytes, too many for a library")
        layer = self._layers[node.layer]
        layer.seek(node.member.offset)
        return io.BytesIO(layer.read(node.member.size))

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        """The names in a folder, sorted."""
        real = self._real(folder)
        return () if real is None else self._stack.names(real)

    def capabilities(self, path: PurePosixPath) -> tuple[str, ...]:
        """What the regular file behind a path may do beyond its user, by name."""
        real = self._real(path)
        node = None if real is None else self._file(real)
        return () if node is None else node.member.capabilities

    def has(self, path: PurePosixPath) -> bool:
        """Whether anything stands at the path, links in its folder followed."""
        return self._real(path) in self._stack.nodes

    def _real(self, path: PurePosixPath) -> str | None:
        """None for a path that nobody would follow to its end: nothing stands there."""
        try:
            return self._stack.real(_name(path))
        except TarError:
            return None

    def _file(self, path: str) -> Node | None:
        node = self._stack.nodes.get(path)
        node = node and (node.content or node)
        return node if node is not None and node.member.kind == "file" else None


@contextmanager
def tree_of(image: Image) -> Iterator[LayerTree]:
    """The tree of an image, while its uncompressed layers lie in temporary files.

    Raises `DamagedLayerError` for a layer that cannot be read, or is not what the configuration says, and
    `OutputError` for a full disk.
    """
    known = image.config.rootfs.diff_ids
    if len(known) != len(image.layers):
        said = f"the image has {len(image.layers)} layers, and its configuration {len(known)}"
        raise DamagedLayerError(said, hint=HINT)
    with ExitStack() as files:
        stack, budget = Stack(), Budget()
        layers = []
        for layer, diff_id in zip(image.layers, known, strict=True):
            folder = temporary_folder()
            try:
                file = files.enter_context(tempfile.TemporaryFile(dir=folder))
                _uncompress(image, layer, diff_id, file, budget)
                stack.add(tuple(read_members(FileSource(file), budget)))
            except (TarError, LayerError, BlobMissingError) as error:
                raise DamagedLayerError(f"layer {layer.digest} cannot be read: {error}", hint=HINT) from error
            except OSError as error:
                raise OutputError(
                    f"layer {layer.digest} cannot be unpacked into {folder}: {error.strerror or error}",
                    hint="free some space, or set TMPDIR to another folder",
                ) from error
            layers.append(file)
        yield LayerTree(stack, tuple(layers))


def _name(path: PurePosixPath) -> str:
    return str(path).strip("/")


def _uncompress(image: Image, layer: Descriptor, diff_id: Digest, file: IO[bytes], budget: Budget) -> None:
    with image.blobs.path(layer).open("rb") as raw, opened(raw, budget.inflation) as stream:
        while data := stream.read(OUTPUT):
            file.write(data)
        _, plain = stream.finish()
    if plain != diff_id:
        raise LayerError(NOT_AS_CONFIGURED)
    file.seek(0)
