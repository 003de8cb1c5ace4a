"""Values as screens: aligned rows for plan, the summary of a build, sizes and times for people."""

from itertools import chain

from ferrule.cli.text import size
from ferrule.image.archive import familiar
from ferrule.image.image import Publishable
from ferrule.oci.reference import Reference
from ferrule.verbs.build import Built, BuiltPart
from ferrule.verbs.image import Made
from ferrule.verbs.pack import Packed
from ferrule.verbs.plan import Plan

Rows = tuple[tuple[str, str], ...]


def plan_screen(plan: Plan) -> str:
    """One line per row: name, value, reason."""
    names = max(len(row.name) for row in plan.rows)
    texts = min(34, max(len(row.text) for row in plan.rows))
    lines = [
        f"{row.name:<{names}}  {row.text:<{texts}}" + (f"  {row.reason}" if row.reason else "")
        for row in plan.rows
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def build_summary(built: Built) -> str:
    """What was built, in a few lines for stderr."""
    parts = [_image_rows(part.made, *_build_rows(part)) for part in built.parts]
    time = ("time", f"{built.cargo_seconds:.1f} s in cargo, {built.own_seconds:.1f} s in ferrule")
    name = built.prepared.local_name.with_tag(built.tags[0])
    return _aligned((*_head(name, built.content), *chain(*parts), time))


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
