"""`ferrule run`."""

import sys
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import (
    BUILD_FLAGS,
    CARGO_FLAGS,
    CARGO_VERBOSE,
    IMAGE_FLAGS,
    PACKAGE_OF_RUN,
    TRUST_FLAGS,
    option,
)
from ferrule.cli.given import make_context, perhaps_a_folder, project_at, project_request
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.types import ENGINES, Parsed
from ferrule.engine.mount import parse_mount
from ferrule.engine.name import parse_name
from ferrule.engine.variables import parse_variable, read_env_file
from ferrule.errors import FerruleError, InvalidValueError, RunFailedError, UsageError
from ferrule.values import parse_published_port

if TYPE_CHECKING:
    from ferrule.engine.variables import Variable
    from ferrule.verbs.run import Ran, RunOptions

ENGINE = option(
    "--engine",
    type=ENGINES,
    default="auto",
    help="Where it runs.  [default: auto, docker where it answers, else the sandbox]",
)
RUN_ENV = (
    click.option(
        "--env",
        "-e",
        "run_env",
        multiple=True,
        type=Parsed("NAME[=VALUE]", parse_variable),
        help="A variable; a name alone hands on your own.",
    ),
    click.option(
        "--env-file",
        multiple=True,
        type=Parsed("FILE", read_env_file),
        help="Variables, one a line; # begins a comment. --env goes over them.",
    ),
)
NO_DATABASE = click.option(
    "--no-database", is_flag=True, help="Start no database beside it, though the project names one."
)
RUN_FLAGS = (
    ENGINE,
    *RUN_ENV,
    click.option(
        "--mount",
        multiple=True,
        type=Parsed("MOUNT", parse_mount),
        help="A file or folder: SOURCE:TARGET[:ro], or type=bind,source=…,target=…[,readonly]; memory: "
        "type=tmpfs,target=….",
    ),
    click.option(
        "--publish",
        "-p",
        multiple=True,
        type=Parsed("PORTS", parse_published_port),
        metavar="[HOST:]CONTAINER[/udp]",
        help="A port of this machine, and the container's that it leads to.",
    ),
    click.option(
        "--network",
        type=click.Choice(["auto", "bridge", "host"]),
        default="auto",
        help="The network.  [default: auto, the engine's own where it has one, else host]",
    ),
    NO_DATABASE,
    click.option("--wait", is_flag=True, help="Say when the health path answers."),
    click.option(
        "--wait-timeout",
        type=click.IntRange(min=1),
        default=60,
        metavar="SECONDS",
        help="How long --wait asks.  [default: 60]",
    ),
    click.option(
        "--detach",
        "-d",
        is_flag=True,
        help="Leave it running and print its name; `ferrule stop NAME` ends it.",
    ),
    click.option(
        "--name",
        type=Parsed("NAME", parse_name),
        help="The name of what --detach leaves running.  [default: after the image]",
    ),
)


class RunVerb(Verb):
    """What stands behind `--` is the program's, also where no project or image stands before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """click itself would take the first word behind `--` for the image, and ask a registry for it."""
        before = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:before])
        ctx.params["arguments"] += tuple(args[before + 1 :])
        return rest


@click.command("run", cls=RunVerb)
@click.argument("what", default=".", metavar="[PROJECT|IMAGE]")
@click.argument("arguments", nargs=-1, metavar="[-- ARGS]")
@with_flags(
    RUN_FLAGS,
    (PACKAGE_OF_RUN, *CARGO_FLAGS[1:]),
    BUILD_FLAGS,
    IMAGE_FLAGS,
    TRUST_FLAGS,
    (CARGO_VERBOSE,),
)
def command(**given: Any) -> int:
    """Run an image here, or build a project and run it.

    An existing path is a project; anything else is an image: a name that the engine has, a registry's, or
    oci:DIR[:TAG]. Without either it is the project here. The exit code is the program's; 125 says that
    ferrule itself failed, and 2 that a flag is wrong. With --detach the program runs on, and exit codes are
    those of every other verb; with --wait too, it is healthy then, or stopped with its last lines shown and
    exit code 6.
    """
    from ferrule.verbs.run import RunOptions

    options = RunOptions(
        engine=given["engine"],
        args=given["arguments"],
        env=variables_of(given),
        mounts=given["mount"],
        ports=given["publish"],
        network=given["network"],
        wait=given["wait"],
        wait_seconds=given["wait_timeout"],
        detach=given["detach"],
        name=given["name"],
        database=not given["no_database"],
    )
    try:
        ran = _run(given, options)
    except FerruleError as error:
        # Lower codes are the program's, where there is one to wait for.
        if options.detach or isinstance(error, (UsageError, InvalidValueError)):
            raise
        raise RunFailedError(error.message, hint=error.hint) from error
    finally:
        sys.stdout.flush()
    if ran.name is not None:
        click.echo(ran.name)
    return ran.code


def _run(given: dict[str, Any], options: "RunOptions") -> "Ran":
    from ferrule.verbs.run import run_image, run_project

    context = make_context(given)
    place = project_at(given["what"])
    if place is None:
        with perhaps_a_folder(given["what"]):
            return run_image(context, given["what"], options)
    request = project_request({**given, "project": place, "env": (), "image": None})
    return run_project(context, request, options)


def variables_of(given: dict[str, Any]) -> "tuple[Variable, ...]":
    """Of the same name, flags go before files, and later ones before earlier ones."""
    files = [variable for file in given["env_file"] for variable in file]
    return tuple({**dict(files), **dict(given["run_env"])}.items())
