"""What an image is, layer by layer, without unpacking it: a name goes in, an `ImageReport` comes out."""

from typing import Literal

import msgspec

from ferrule.errors import ImageError
from ferrule.image.contents import HINT, Budget, DamagedLayerError, LayerContents, read_contents
from ferrule.image.image import CREATED_BY
from ferrule.image.source import ImageSource, LayerSource
from ferrule.image.stack import Stack
from ferrule.image.untar import TarError
from ferrule.oci.image_config import ImageConfig
from ferrule.oci.platform import Platform, this_platform
from ferrule.registry.parallel import side_by_side
from ferrule.verbs.context import Context
from ferrule.verbs.find_image import find_image
from ferrule.verbs.labels import PREFIX

OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
BASE_NAME, BASE_DIGEST = f"{PREFIX}base.name", f"{PREFIX}base.digest"


class ImageLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer, and the line of the image's history that made it; empty where there is none."""

    contents: LayerContents
    created_by: str


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What an image stands on. `known_by` is the history where every layer is ferrule's."""

    name: str | None = None
    digest: str | None = None
    known_by: Literal["labels", "os-release", "history"] | None = None


class ImageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `inspect` says of an image. `stack` is the tree that a container sees."""

    name: str
    source: ImageSource
    layers: tuple[ImageLayer, ...]
    stack: Stack
    base: Base

    @property
    def stored(self) -> int:
        """Bytes of all layers as they are stored."""
        return sum(layer.contents.stored for layer in self.layers)

    @property
    def size(self) -> int:
        """Bytes of all files that a container sees."""
        return sum(node.member.size for node in self.stack.nodes.values())

    @property
    def hidden(self) -> int:
        """Bytes of files that are in the image, and that no container sees."""
        return sum(file.size for file in self.stack.hidden)


def inspect_image(context: Context, name: str, platform: Platform | None) -> ImageReport:
    """Read the whole image once, and check every digest. Raises `ImageError` and what `find_image` does.

    Without a platform it is this machine's, or the only one that there is.
    """
    with find_image(context, name, platform or this_platform()) as source:
        _check_platform(name, source.config.platform, platform)
        if source.config.os != "linux":
            raise ImageError(
                f"the image is for {str(source.config.platform)[:100]}", hint="ferrule reads images for Linux"
            )
        budget = Budget()

        def read(layer: LayerSource) -> LayerContents:
            return read_contents(layer, budget, OS_RELEASE)

        with context.report.step(f"reading {name}"):
            contents = side_by_side(read, source.layers)
    titles = _titles(source.config, len(contents))
    return ImageReport(
        name=name,
        source=source,
        layers=tuple(
            ImageLayer(contents=each, created_by=title) for each, title in zip(contents, titles, strict=True)
        ),
        stack=_stacked(contents),
        base=_base(source, contents, titles),
    )


def _check_platform(name: str, found: Platform, wanted: Platform | None) -> None:
    # Without the variant: many configurations leave it out, and the index that names it chose them.
    if wanted and (found.os, found.architecture) != (wanted.os, wanted.architecture):
        said = str(found)[:100]
        raise ImageError(
            f"{name} is for {said}, not for {wanted}", hint=f"it is for {said} alone: leave --platform out"
        )


def _stacked(contents: tuple[LayerContents, ...]) -> Stack:
    stack = Stack()
    for layer in contents:
        try:
            stack.add(layer.members)
        except TarError as error:
            raise DamagedLayerError(f"{layer.source.name}: {error}", hint=HINT) from error
    return stack


def _titles(config: ImageConfig, layers: int) -> tuple[str, ...]:
    """One line of history per layer, as far as the history is about these layers at all."""
    lines = [entry.created_by or entry.comment for entry in config.history or () if not entry.empty_layer]
    return tuple(lines) if len(lines) == layers else ("",) * layers


def _base(source: ImageSource, contents: tuple[LayerContents, ...], titles: tuple[str, ...]) -> Base:
    said = {**source.annotations, **(source.config.run.labels or {})}
    name, digest = said.get(BASE_NAME) or None, said.get(BASE_DIGEST) or None
    if name or digest:
        return Base(name=name, digest=digest, known_by="labels")
    release = _pretty_name(contents)
    if release:
        return Base(name=release, known_by="os-release")
    if titles and all(title.startswith(f"{CREATED_BY}:") for title in titles):
        return Base(name="scratch", known_by="history")
    return Base()


def _pretty_name(contents: tuple[LayerContents, ...]) -> str:
    for layer in reversed(contents):
        for path in OS_RELEASE:
            for line in layer.kept.get(path, b"").decode("utf-8", "replace").splitlines():
                key, _, value = line.partition("=")
                if key == "PRETTY_NAME":
                    return value.strip("\"'")
    return ""
