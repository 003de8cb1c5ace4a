"""`ferrule verify`."""

import json
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import (
    BUILD_FLAGS,
    CARGO_FLAGS,
    CARGO_VERBOSE,
    IMAGE_FLAGS,
    JSON,
    TRUST_FLAGS,
    option,
)
from ferrule.cli.given import make_context, perhaps_a_folder, project_at, project_request
from ferrule.cli.run import ENGINE, NO_DATABASE, RUN_ENV, variables_of
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.types import MEMORY, Parsed
from ferrule.errors import ImageError
from ferrule.text import printable
from ferrule.values import parse_size

if TYPE_CHECKING:
    from ferrule.verbs.trial import Verified, VerifyOptions

VERIFY_FLAGS = (
    click.option(
        "--network",
        type=click.Choice(["none", "host"]),
        default="none",
        help="Loopback alone, or this machine's network, where a database may be.  [default: none]",
    ),
    option(
        "--memory",
        type=Parsed("SIZE", parse_size),
        default=MEMORY,
        help=f"What it may use.  [default: {MEMORY}]",
    ),
    click.option(
        "--wait-timeout",
        type=click.FloatRange(min=0.1),
        metavar="SECONDS",
        help="What it has to become healthy.  [default: the image's start period, or 10]",
    ),
    click.option(
        "--grace",
        type=click.FloatRange(min=0.1),
        default=10,
        metavar="SECONDS",
        help="What it has to end after its stop signal.  [default: 10]",
    ),
    click.option(
        "--settle",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="How long it has to stay healthy.  [default: as long as it took to become so, 0.1 to 1]",
    ),
    click.option(
        "--env-check",
        is_flag=True,
        help="Leave out each required variable in turn: it must fail, and not hang.",
    ),
)


@click.command("verify", cls=Verb)
@click.argument("what", default=".", metavar="[PROJECT|IMAGE]")
@with_flags(
    (ENGINE, *RUN_ENV, NO_DATABASE),
    VERIFY_FLAGS,
    CARGO_FLAGS,
    BUILD_FLAGS,
    IMAGE_FLAGS,
    TRUST_FLAGS,
    (CARGO_VERBOSE, JSON),
)
def command(**given: Any) -> None:
    """Boot an image as production would, and say whether it may go there.

    An existing path is a project, which is built first; anything else is an image: a name that the engine
    has, a registry's, or oci:DIR[:TAG]. Its root is read-only but for /tmp and its volumes, it has no
    capabilities, a limit of memory, and a network with nothing but loopback unless asked for. It must become
    healthy, listen where it says, and end when told to. The exit code is 6 when it does not.
    """
    verified = _verify(given, verify_options(given))
    if given["as_json"]:
        click.echo(json.dumps(as_json(verified), indent=2))
    else:
        click.echo(screen(verified), nl=False)
    complain(verified)


def verify_options(given: dict[str, Any]) -> "VerifyOptions":
    """What the flags say."""
    from ferrule.verbs.trial import VerifyOptions

    return VerifyOptions(
        engine=given["engine"],
        env=variables_of(given),
        memory=given["memory"],
        within=given["wait_timeout"],
        settle=given["settle"],
        grace=given["grace"],
        env_check=given["env_check"],
        host_network=given["network"] == "host",
        database=not given["no_database"],
    )


def _verify(given: dict[str, Any], options: "VerifyOptions") -> "Verified":
    from ferrule.verbs.verify import verify_image, verify_project

    context = make_context(given)
    place = project_at(given["what"])
    if place is None:
        with perhaps_a_folder(given["what"]):
            verified = verify_image(context, given["what"], options)
    else:
        request = project_request({**given, "project": place, "env": (), "image": None})
        verified = verify_project(context, request, options)
    if not verified.verdict.ok:
        lines = verified.last_lines
        context.report.raw(lines if lines.endswith("\n") or not lines else f"{lines}\n")
    return verified


def screen(verified: "Verified") -> str:
    """A line for each check, with what to do below those that failed."""
    checks = verified.verdict.checks
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{'ok' if check.ok else 'FAILED':<6}  {check.name:<{width}}  {check.said}")
        if check.hint:
            lines.append(f"{'':<6}  {'':<{width}}  {check.hint}")
    return "".join(f"{printable(line)}\n" for line in lines)


def as_json(verified: "Verified") -> dict[str, Any]:
    """The verdict for machines: seconds, bytes, exit codes."""
    return {
        "version": 1,
        "image": verified.name,
        "digest": verified.digest,
        "engine": verified.engine,
        "ok": verified.verdict.ok,
        "checks": [
            {"name": check.name, "ok": check.ok, "said": check.said}
            | ({"hint": check.hint} if check.hint else {})
            | dict(check.values)
            for check in verified.verdict.checks
        ],
        "last_lines": verified.last_lines,
    }


def complain(verified: "Verified") -> None:
    """Raise `ImageError` for what may not be pushed."""
    failed = verified.verdict.failed
    if failed:
        raise ImageError(f"{verified.name} is not fit to run: {failed[0].said}", hint=failed[0].hint)
