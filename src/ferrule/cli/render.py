"""Values as screens: aligned rows for plan, the summary of a build, sizes and times for people."""

from collections.abc import Iterator
from itertools import chain, groupby
from typing import TYPE_CHECKING

from ferrule.image.archive import familiar
from ferrule.image.image import Publishable
from ferrule.oci.reference import Reference
from ferrule.text import printable, size
from ferrule.verbs.build import Built, BuiltImage, BuiltPart
from ferrule.verbs.image import Made
from ferrule.verbs.pack import Packed
from ferrule.verbs.plan import Plan

if TYPE_CHECKING:
    from ferrule.cargo.found import Found
    from ferrule.verbs.build_all import BuiltAll

Rows = tuple[tuple[str, str], ...]


def plan_screen(plan: Plan) -> str:
    """One line per row: name, value, reason."""
    names = max(len(row.name) for row in plan.rows)
    texts = min(34, max(len(row.text) for row in plan.rows))
    lines = [
        f"{row.name:<{names}}  {row.text:<{texts}}" + (f"  {row.reason}" if row.reason else "")
        for row in plan.rows
    ]
    screen = "".join(f"{printable(line).rstrip()}\n" for line in lines)
    return screen if plan.configuration is None else f"{screen}\n{configuration_screen(plan.configuration)}"


def configuration_screen(found: "tuple[Found, ...] | None") -> str:
    """The settings below the source that they stand in."""
    lines = []
    for source, settings in groupby(found or (), key=lambda each: each.source):
        lines += [f"found in {source}", *(f"  {each.text}" for each in settings)]
    return "".join(f"{printable(line)}\n" for line in lines or ["no configuration of cargo's is found"])


def build_summary(built: Built) -> str:
    """What was built, in a few lines for stderr."""
    parts = [_image_rows(part.made, *_build_rows(part)) for part in built.parts]
    time = ("time", f"{built.cargo_seconds:.1f} s in cargo, {built.own_seconds:.1f} s in ferrule")
    name = built.prepared.local_name.with_tag(built.tags[0])
    return _aligned((*_head(name, built.content), *chain(*parts), time))


def build_all_summary(built: "BuiltAll") -> str:
    """A line for each program and platform, and the time."""
    several = any(len(image.parts) > 1 for image in built.images)
    rows = [row for image in built.images for row in _short_rows(image, platforms=several)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    count = f"{len(built.images)} images" if len(built.images) > 1 else "1 image"
    time = f"{count} in {built.cargo_seconds:.1f} s in cargo, {built.own_seconds:.1f} s in ferrule"
    return "\n".join((*(line.rstrip() for line in lines), time))


def _short_rows(image: BuiltImage, *, platforms: bool) -> Iterator[tuple[str, ...]]:
    """Name, perhaps the platform, link mode, base, compressed size, digest."""
    name = familiar(image.prepared.local_name.with_tag(image.tags[0]))
    for part in image.parts:
        made = part.made
        platform = (str(made.image.config.platform),) if platforms else ()
        compressed = f"{size(made.image.compressed_size)} compressed"
        digest = str(image.content.descriptor.digest)
        yield (name, *platform, part.artifact.link.mode, made.base, compressed, digest)


def pack_summary(packed: Packed) -> str:
    """What was packed, in a few lines for stderr."""
    name = packed.name.with_tag(packed.tags[0])
    return _aligned((*_head(name, packed.content), *chain(*map(_image_rows, packed.made))))


def _build_rows(part: BuiltPart) -> Rows:
    """How it was linked, and its allocator where that is not what every Rust program has."""
    link, allocator = part.artifact.link, part.allocator
    rows = (("link", f"{link.mode}: {link.reason}"), ("allocator", f"{allocator.text}: {allocator.reason}"))
    return rows[:1] if allocator.is_default and not allocator.lacks else rows


def _head(name: Reference, content: Publishable) -> Rows:
    return (("image", familiar(name)), ("digest", str(content.descriptor.digest)))


def _image_rows(made: Made, *more: tuple[str, str]) -> Rows:
    """What is said of the image for one platform."""
    image = made.image
    unpacked, compressed = size(made.unpacked), size(image.compressed_size)
    sizes = f"{unpacked} unpacked, {compressed} compressed, {len(image.layers)} layers"
    return (("platform", str(image.config.platform)), *more, ("base", made.base), ("size", sizes))


def _aligned(rows: Rows) -> str:
    return "\n".join(f"{name:>9}  {text}" for name, text in rows)
