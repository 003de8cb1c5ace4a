"""Values as screens: aligned rows for plan, the summary of a build, sizes and times for people."""

from ferrule.cli.text import size
from ferrule.image.archive import familiar
from ferrule.image.image import Image
from ferrule.oci.reference import Reference
from ferrule.verbs.build import Built
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
    name = built.prepared.local_name.with_tag(built.tags[0])
    link = ("link", f"{built.artifact.link.mode}: {built.artifact.link.reason}")
    time = ("time", f"{built.cargo_seconds:.1f} s in cargo, {built.own_seconds:.1f} s in ferrule")
    first, last = image_rows(name, built.image, built.base, built.unpacked)
    return _aligned((*first, link, *last, time))


def pack_summary(packed: Packed) -> str:
    """What was packed, in a few lines for stderr."""
    made = packed.made
    first, last = image_rows(packed.name.with_tag(packed.tags[0]), made.image, made.base, made.unpacked)
    return _aligned((*first, *last))


def image_rows(name: Reference, image: Image, base: str, unpacked: int) -> tuple[Rows, Rows]:
    """What is said of every image: who it is, and how large."""
    sizes = f"{size(unpacked)} unpacked, {size(image.compressed_size)} compressed, {len(image.layers)} layers"
    who = (
        ("image", familiar(name)),
        ("digest", str(image.descriptor.digest)),
        ("platform", str(image.config.platform)),
    )
    return who, (("base", base), ("size", sizes))


def _aligned(rows: Rows) -> str:
    return "\n".join(f"{name:>9}  {text}" for name, text in rows)
