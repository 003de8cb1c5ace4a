"""The help of a verb: flags that belong together stand together, each group below its title."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ferrule.cli.flags import (
    ALL,
    BUILD_FLAGS,
    CARGO_FLAGS,
    DESTINATION_FLAGS,
    ENV_FLAGS,
    GATE_FLAGS,
    IMAGE_FLAGS,
    PACKAGE_OF_RUN,
    TRUST_FLAGS,
)
from ferrule.cli.types import Once

F = TypeVar("F", bound=Callable[..., Any])

OWN = "Options"
IMAGE = "The image"
TITLES: dict[str, tuple[Callable[..., Any], ...]] = {
    "What cargo builds": (*CARGO_FLAGS, ALL, PACKAGE_OF_RUN),
    "The program": BUILD_FLAGS,
    IMAGE: (*IMAGE_FLAGS, *ENV_FLAGS),
    "Where it goes": DESTINATION_FLAGS,
    "Verified before it goes there": GATE_FLAGS,
    "Registries": TRUST_FLAGS,
}
TITLE_OF = {flag: title for title, flags in TITLES.items() for flag in flags}
REPEATABLE = "repeatable"
EPILOG = (
    "What holds for good stands in Cargo.toml, in [package.metadata.ferrule]. A variable does for most "
    "flags: FERRULE_BASE for --base."
)


def with_flags(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Add groups of flags to a command, in their order, and remember the title of each."""

    def decorate(function: F) -> F:
        for flag in reversed([flag for group in groups for flag in group]):
            function = flag(function)
            if flag in TITLE_OF:
                added = vars(function)["__click_params__"][-1]
                vars(function).setdefault("titles", {})[added.name] = TITLE_OF[flag]
        return function

    return decorate


class Verb(click.Command):
    """A command whose help has its own flags first, and then those that it shares."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each group that the verb has, in the order of `TITLES`."""
        titles: dict[str, str] = getattr(self.callback, "titles", {})
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in (OWN, *TITLES)}
        for option in self.get_params(ctx):
            if isinstance(option, click.Option):
                groups[titles.get(option.name or "", OWN)].append(help_record(option, ctx))
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
        if IMAGE in titles.values():
            formatter.write_paragraph()
            formatter.write_text(EPILOG)


def help_record(option: click.Option, ctx: click.Context) -> tuple[str, str]:
    """A flag as it is typed and what it does, which says too whether it may be repeated."""
    record = option.get_help_record(ctx)
    assert record is not None, f"{option.name} has no help"
    flags, text = record
    if isinstance(option.type, (click.IntRange, click.FloatRange)):
        text = text.partition("  [x>=")[0]  # an error says it to those whom it concerns
    if not option.multiple or isinstance(option, Once):
        return flags, text
    if text.endswith("]"):
        return flags, f"{text.removesuffix(']')}; {REPEATABLE}]"
    return flags, f"{text}  [{REPEATABLE}]"
