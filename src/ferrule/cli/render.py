"""Values as screens: aligned rows for plan, the summary of a build, sizes and times for people."""

from ferrule.image.archive import familiar
from ferrule.verbs.build import Built
from ferrule.verbs.plan import Plan

DECIMALS_BELOW = 10


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
    """What was made, in a few lines for stderr."""
    image = built.image
    rows = (
        ("image", familiar(built.prepared.local_name.with_tag(built.tags[0]))),
        ("digest", image.descriptor.digest),
        ("platform", str(image.config.platform)),
        ("link", f"{built.artifact.link.mode}: {built.artifact.link.reason}"),
        ("base", built.base),
        (
            "size",
            (
                f"{size(built.unpacked)} unpacked, {size(image.compressed_size)} compressed, "
                f"{len(image.layers)} layers"
            ),
        ),
        ("time", f"{built.cargo_seconds:.1f} s in cargo, {built.own_seconds:.1f} s in ferrule"),
    )
    return "\n".join(f"{name:>9}  {text}" for name, text in rows)


def size(count: int) -> str:
    """Bytes for people, in powers of ten as registries and docker show them."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return (
                f"{amount:.0f} {unit}"
                if unit == "B"
                else f"{amount:.{2 if amount < DECIMALS_BELOW else 1}f} {unit}"
            )
        amount /= 1000
    return f"{amount:.2f} GB"
