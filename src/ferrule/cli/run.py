"""`ferrule run`."""

import sys
from pathlib import Path
from typing import Any

import click

from ferrule.cli.flags import (
    BUILD_FLAGS,
    CARGO_FLAGS,
    IMAGE_FLAGS,
    TRUST_FLAGS,
    VERBOSE,
    option,
    with_flags,
)
from ferrule.cli.given import make_context, project_request
from ferrule.cli.types import Parsed
from ferrule.errors import FerruleError, RunFailedError
from ferrule.values import parse_env, parse_published_port

RUN_FLAGS = (
    option(
        "--engine",
        type=click.Choice(["auto", "docker", "podman", "sandbox"]),
        default="auto",
        help="Where it runs.",
    ),
    click.option(
        "--env", "-e", "run_env", multiple=True, type=Parsed("NAME=VALUE", parse_env), help="A variable."
    ),
    click.option(
        "--publish",
        "-p",
        multiple=True,
        type=Parsed("HOST:CONTAINER", parse_published_port),
        help="A port to open here.",
    ),
    click.option(
        "--network",
        type=click.Choice(["auto", "bridge", "host"]),
        default="auto",
        help="The engine's network.",
    ),
    click.option("--wait", is_flag=True, help="Say when the health path answers."),
)


@click.command("run", context_settings={"ignore_unknown_options": False})
@click.argument("what", default=".", metavar="[PROJECT|IMAGE]")
@click.argument("arguments", nargs=-1, metavar="[-- ARGS]")
@with_flags(
    RUN_FLAGS,
    CARGO_FLAGS[1:],  # -p is --publish here
    BUILD_FLAGS,
    IMAGE_FLAGS,
    TRUST_FLAGS,
    (VERBOSE,),
)
@click.option("--package", metavar="NAME", help="The package of the workspace.")
def command(**given: Any) -> int:
    """Run an image here, or build a project and run it.

    An existing path is a project; anything else is an image: a name that the engine has, a registry's, or
    oci:DIR[:TAG]. The exit code is the program's; 125 says that ferrule itself failed.
    """
    from ferrule.verbs.run import RunOptions, run_image, run_project

    options = RunOptions(
        engine=given["engine"],
        args=given["arguments"],
        env=given["run_env"],
        ports=given["publish"],
        network=given["network"],
        wait=given["wait"],
    )
    place = Path(given["what"])
    try:
        context = make_context(given)
        if place.exists():
            request = project_request({**given, "project": place, "env": (), "image": None})
            return run_project(context, request, options)
        return run_image(context, given["what"], options)
    except FerruleError as error:
        raise RunFailedError(error.message, hint=error.hint) from error
    finally:
        sys.stdout.flush()
