"""`ferrule env`."""

import json
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import JSON, PROJECT, VERBOSE
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.types import BIN, PACKAGE
from ferrule.errors import ProjectError
from ferrule.text import counted, printable

if TYPE_CHECKING:
    from ferrule.contract import Variable
    from ferrule.verbs.context import Context
    from ferrule.verbs.env import Fault
    from ferrule.verbs.prepare import ProjectRequest


@click.command("env", cls=Verb)
@PROJECT
@PACKAGE
@BIN
@click.option("--scan", is_flag=True, help="Propose what the source reads and the contract lacks.")
@click.option(
    "--check",
    metavar="FILE|-",
    help="Check an environment file, or with - the environment here, against the contract.",
)
@with_flags((VERBOSE, JSON))
def command(**given: Any) -> None:
    """List what the program reads from its environment: the contract in [package.metadata.ferrule.env].

    With --scan the source is read for more, and lines for Cargo.toml come out. With --check all that is
    missing or malformed is listed at once, without any value, and the exit code is 3.
    """
    from ferrule.cli.given import make_context

    if given["scan"] and given["check"] is not None:
        raise click.UsageError("--scan and --check are two different things")
    context, request = make_context(given), plain_request(given)
    if given["scan"]:
        _scan(context, request, as_json=given["as_json"])
    elif given["check"] is not None:
        _check(context, request, given["check"], as_json=given["as_json"])
    else:
        _list(context, request, as_json=given["as_json"])


def plain_request(given: dict[str, Any]) -> "ProjectRequest":
    """The project and its program; no flag says what is in the image."""
    from ferrule.cargo.plan import CargoOptions
    from ferrule.tables import FLAGS, Source, Table
    from ferrule.verbs.prepare import ProjectRequest

    return ProjectRequest(
        place=given["project"],
        package=given["package"],
        binary=given["binary"],
        cargo=CargoOptions(),
        flags=Source(table=Table(), origin=FLAGS),
        allow_secrets=given.get("allow_secret", ()),
    )


def _list(context: "Context", request: "ProjectRequest", *, as_json: bool) -> None:
    from ferrule.verbs.env import read_contract
    from ferrule.verbs.env_lines import variable_json

    contract = read_contract(context, request)
    if as_json:
        _echo_json(variables=[variable_json(variable) for variable in contract])
        return
    if not contract:
        context.report.say("the project has no contract; `ferrule env --scan` proposes one")
    _echo_rows([(each.name, _facts(each), each.doc or "") for each in contract])


def _check(context: "Context", request: "ProjectRequest", place: str, *, as_json: bool) -> None:
    from ferrule.verbs.env import HERE, check_environment, read_contract

    contract = read_contract(context, request)
    faults = check_environment(context, contract, place)
    if as_json:
        _echo_json(faults=[{"name": fault.name, "reason": fault.reason} for fault in faults])
    else:
        _echo_rows([(fault.name, f"{fault.reason}{_doc(contract, fault)}", "") for fault in faults])
    where = "the environment here" if place == HERE else place
    if faults:
        raise ProjectError(
            f"{where} does not keep the contract: {counted(len(faults), 'variable')} to mend",
            hint="`ferrule env` lists what each is for",
        )
    context.report.say(f"{where} keeps the contract: {counted(len(contract), 'variable')}")


def _doc(contract: "tuple[Variable, ...]", fault: "Fault") -> str:
    return next((f" ({each.doc})" for each in contract if each.name == fault.name and each.doc), "")


def _scan(context: "Context", request: "ProjectRequest", *, as_json: bool) -> None:
    from ferrule.verbs.env import scan_project
    from ferrule.verbs.env_lines import env_lines, variable_json

    found = scan_project(context, request)
    if as_json:
        proposed = [
            {**variable_json(each), "places": list(found.places[each.name])} for each in found.proposed
        ]
        unclear = [{"place": f"{each.path}:{each.line}", "what": each.what} for each in found.unclear]
        _echo_json(proposed=proposed, unclear=unclear, known=list(found.known), unread=list(found.unread))
        return
    for each in found.unclear:
        context.report.say(f"{each.path}:{each.line} reads {each.what}")
    for name in found.unread:
        context.report.say(f"{name} is in the contract, and no source was seen that reads it")
    if found.proposed:
        lines = tuple(env_lines(found))
        width = max(len(text) for text, places in lines if places)
        for text, places in lines:
            click.echo(printable(f"{text:<{width}}  # {places}" if places else text))
    else:
        context.report.say("the contract has every variable that was found in the source")


def _facts(variable: "Variable") -> str:
    """Such as `required, secret, url`."""
    facts = [key for key in ("required", "secret") if getattr(variable, key)]
    facts += [variable.type] if variable.type else []
    facts += [f"matches {variable.pattern}"] if variable.pattern else []
    facts += [f"default {json.dumps(variable.default)}"] if variable.default is not None else []
    facts += [f"such as {variable.example}"] if variable.example else []
    return ", ".join(facts) or "optional"


def _echo_rows(rows: list[tuple[str, str, str]]) -> None:
    names = max((len(row[0]) for row in rows), default=0)
    facts = max((len(row[1]) for row in rows if row[2]), default=0)
    for name, fact, doc in rows:
        click.echo(printable(f"{name:<{names}}  {fact:<{facts}}  {doc}".rstrip()))


def _echo_json(**result: Any) -> None:
    click.echo(json.dumps({"version": 1, **result}, indent=2))
