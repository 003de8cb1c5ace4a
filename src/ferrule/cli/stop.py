"""`ferrule stop`."""

from typing import Any

import click

from ferrule.cli.flags import VERBOSE
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.types import ENGINES, Parsed
from ferrule.engine.name import parse_name


@click.command("stop", cls=Verb)
@click.argument("names", nargs=-1, required=True, type=Parsed("NAME", parse_name), metavar="NAME...")
@with_flags(
    (
        click.option(
            "--engine",
            type=ENGINES,
            default="auto",
            help="Where they run.  [default: wherever they are found]",
        ),
        click.option(
            "--time",
            "-t",
            "seconds",
            type=click.IntRange(min=0),
            default=10,
            metavar="SECONDS",
            help="What a program has between its stop signal and its end.  [default: 10]",
        ),
        VERBOSE,
    )
)
def command(**given: Any) -> None:
    """Stop programs that `ferrule run --detach` started, and remove what is left of them.

    Prints the name of each one that is gone. One that had ended by itself is removed too.
    """
    from ferrule.report import Terminal
    from ferrule.verbs.stop import stop

    report = Terminal(verbose=given["verbose"] > 0)
    for stopped in stop(given["names"], engine=given["engine"], seconds=given["seconds"]):
        click.echo(stopped.name)
        code = "an unknown exit code" if stopped.code is None else f"exit code {stopped.code}"
        if stopped.by_itself:
            report.say(f"{stopped.name} had ended by itself, with {code}")
        else:
            report.detail(f"{stopped.name} ended with {code}")
