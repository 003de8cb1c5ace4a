"""`ferrule init`."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import JSON, PROJECT, VERBOSE
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.types import BIN, PACKAGE

if TYPE_CHECKING:
    from ferrule.verbs.init import Proposal


@click.command("init", cls=Verb)
@PROJECT
@PACKAGE
@BIN
@click.option("--write", is_flag=True, help="Put the proposal into Cargo.toml without asking.")
@with_flags((VERBOSE, JSON))
def command(**given: Any) -> None:
    """Propose the settings of a project that has none: ports, health path, files, environment.

    All of it is read from the source, and each line says where. Cargo.toml is written to only with --write,
    or when a person at a terminal says so; what stands in it stays as it is.
    """
    from ferrule.cli.env import plain_request
    from ferrule.cli.given import make_context
    from ferrule.verbs.init import propose, write

    context = make_context(given)
    proposal = propose(context, plain_request(given))
    for note in proposal.notes:
        context.report.say(note)
    click.echo(
        json.dumps(as_json(proposal), indent=2) if given["as_json"] else proposal.text, nl=given["as_json"]
    )
    if not proposal.lines:
        context.report.say("the source names nothing to set: `ferrule build` takes the project as it is")
    elif given["write"] or (not given["as_json"] and _says_so(proposal)):
        write(proposal)
        context.report.say(f"{proposal.manifest} has them now; `ferrule plan` shows what follows")


def _says_so(proposal: "Proposal") -> bool:
    """Ask the person at the terminal, if there is one."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        click.echo("`ferrule init --write` puts these lines into Cargo.toml", err=True)
        return False
    return click.confirm(f"put these lines into {proposal.manifest}?", err=True)


def as_json(proposal: "Proposal") -> dict[str, Any]:
    """The proposal for machines."""
    lines = [{"text": line.text, "reason": line.reason} for line in proposal.lines if line.text]
    return {"version": 1, "manifest": str(proposal.manifest), "lines": lines, "notes": list(proposal.notes)}
