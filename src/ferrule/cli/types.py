"""Parsers of ferrule's values as click parameter types: a wrong one is a usage error that names its flag."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from ferrule.errors import InvalidValueError

ENGINES = click.Choice(["auto", "docker", "podman", "sandbox"])
"""Where something runs."""

MEMORY = "512MiB"
"""What a program may use when it is verified; `engine.inside` has it in bytes."""


class BadValueError(click.BadParameter):
    """A flag's value without its form, with the parser's own hint."""

    def __init__(
        self, error: InvalidValueError, param: click.Parameter | None, ctx: click.Context | None
    ) -> None:
        super().__init__(error.message, ctx=ctx, param=param)
        self.hint = error.hint


class Parsed(click.ParamType[Any]):
    """A value that one of our parsers takes.

    With `raw` the text itself is handed on once it is known to be good: the settings parse it again with
    those of the tables.
    """

    def __init__(self, name: str, parse: Callable[[str], Any], *, raw: bool = False) -> None:
        self.name = name
        self._parse = parse
        self._raw = raw

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse, and turn the parser's error into a usage error."""
        if not isinstance(value, str):
            return value
        try:
            parsed = self._parse(value)
        except InvalidValueError as error:
            raise BadValueError(error, param, ctx) from error
        return value if self._raw else parsed


class Once(click.Option):
    """A flag that is given once. cargo takes several, so the last one must not win without a word."""

    def __init__(self, names: Sequence[str], *, again: str = "give one of them", **settings: Any) -> None:
        settings["multiple"] = True
        super().__init__(names, **settings)
        self._again = again

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """The one value, or None."""
        values = super().process_value(ctx, value)
        if len(values) > 1:
            error = click.UsageError(
                f"{self.opts[-1]} is given {len(values)} times: {', '.join(values)}", ctx
            )
            error.hint = self._again  # type: ignore[attr-defined]  # read by run
            raise error
        return next(iter(values), None)


PACKAGE = click.option("-p", "--package", cls=Once, metavar="NAME", help="The package of the workspace.")
BIN = click.option(
    "--bin",
    "binary",
    cls=Once,
    again="--include-bin puts others into the same image, and --all makes an image of each",
    metavar="NAME",
    help="The binary of the package.",
)
