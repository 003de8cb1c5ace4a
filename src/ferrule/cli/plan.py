"""`ferrule plan`."""

import json
from typing import Any

import click

from ferrule.cli.flags import (
    ALL,
    BUILD_FLAGS,
    CARGO_FLAGS,
    CARGO_VERBOSE,
    DESTINATION_FLAGS,
    ENV_FLAGS,
    GATE_FLAGS,
    IMAGE_FLAGS,
    JSON,
    PROJECT,
)
from ferrule.cli.given import destinations_of, is_for_all, make_context, project_request
from ferrule.cli.sections import Verb, with_flags


@click.command("plan", cls=Verb)
@PROJECT
@with_flags(
    (CARGO_FLAGS[0], ALL, *CARGO_FLAGS[1:]),
    BUILD_FLAGS,
    IMAGE_FLAGS,
    ENV_FLAGS,
    DESTINATION_FLAGS,
    GATE_FLAGS,
    (CARGO_VERBOSE, JSON),
)
def command(**given: Any) -> None:
    """Say what would be built, on which base, and why. Changes nothing.

    PROJECT is a folder of a Cargo project, or a Cargo.toml; without it, this folder. With --all there is a
    plan for each binary. With -v also which configuration cargo finds, and where; of values that may be
    secret only the names.
    """
    from ferrule.cli.render import configuration_screen, plan_screen

    found = given["verbose"] > 0
    asked = make_context(given), project_request(given), given["tag"], destinations_of(given)
    if is_for_all(given):
        from ferrule.verbs.plan_all import make_plans

        plans = make_plans(*asked, configuration=found)
        answer, screens = plans.as_json(), [plan_screen(each) for each in plans.programs.values()]
        screens += [configuration_screen(plans.configuration)] if found else []
    else:
        from ferrule.verbs.plan import make_plan

        plan = make_plan(*asked, configuration=found)
        answer, screens = plan.as_json(), [plan_screen(plan)]
    click.echo(json.dumps(answer, indent=2) if given["as_json"] else "\n".join(screens), nl=given["as_json"])
