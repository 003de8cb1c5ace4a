"""Says which paths of this machine are in finished programs: once each, however many platforms have them."""

from collections.abc import Iterable
from pathlib import Path

from ferrule.cargo.leaks import Leak, find_leaks
from ferrule.cargo.plan import BuildPlan
from ferrule.oci.platform import Platform
from ferrule.report import Report
from ferrule.verbs.hints import baked_hint
from ferrule.verbs.prepare import Prepared


def warn_of_leaks(
    report: Report, prepared: Prepared, name: str, programs: Iterable[tuple[BuildPlan, Path]]
) -> None:
    """Look through one program, for each platform. They are named where only some of them have the path.

    `name` is the program in words.
    """
    everywhere: set[Platform] = set()
    found: dict[Leak, list[Platform]] = {}
    for plan, program in programs:
        everywhere.add(plan.target.platform)
        for leak in find_leaks(program, plan):
            found.setdefault(leak, []).append(plan.target.platform)
    for leak, platforms in found.items():
        some = dict.fromkeys(platforms)
        who = name if everywhere <= some.keys() else f"{name} for {_listed(some)}"
        report.warn(f"{who} holds a path of this machine: {leak.path} (from {leak.crate})")
        hint = baked_hint(prepared, leak)
        if hint:
            report.say(f"hint: {hint}")


def _listed(platforms: Iterable[Platform]) -> str:
    return " and ".join(map(str, platforms))
