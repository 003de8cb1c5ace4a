"""`ferrule plan`."""

import json
from typing import Any

import click

from ferrule.cli.flags import (
    BUILD_FLAGS,
    CARGO_FLAGS,
    CARGO_VERBOSE,
    DESTINATION_FLAGS,
    ENV_FLAGS,
    IMAGE_FLAGS,
    JSON,
    PROJECT,
    with_flags,
)
from ferrule.cli.given import destinations_of, make_context, project_request


@click.command("plan")
@PROJECT
@with_flags(CARGO_FLAGS, BUILD_FLAGS, IMAGE_FLAGS, ENV_FLAGS, DESTINATION_FLAGS, (CARGO_VERBOSE, JSON))
def command(**given: Any) -> None:
    """Say what would be built, on which base, and why. Changes nothing.

    PROJECT is a folder of a Cargo project, or a Cargo.toml.
    """
    from ferrule.cli.render import plan_screen
    from ferrule.verbs.plan import make_plan

    plan = make_plan(make_context(given), project_request(given), given["tag"], destinations_of(given))
    click.echo(
        json.dumps(plan.as_json(), indent=2) if given["as_json"] else plan_screen(plan), nl=given["as_json"]
    )
