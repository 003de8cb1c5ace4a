"""`ferrule generate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.env import plain_request
from ferrule.cli.flags import JSON, VERBOSE
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.text import counted, printable
from ferrule.cli.types import Parsed
from ferrule.errors import ProjectError

if TYPE_CHECKING:
    from ferrule.verbs.generate import Generated

KINDS = ("dockerfile", "compose", "env", "github", "kubernetes", "ecs", "systemd")


def _parse_image(text: str) -> object:
    from ferrule.oci.reference import parse_reference

    return parse_reference(text)


def _parse_base(text: str) -> object:
    from ferrule.verbs.prepare import parse_base

    return parse_base(text)


@click.command("generate", cls=Verb)
@click.argument("kinds", metavar="[KIND...]", nargs=-1, type=click.Choice(KINDS))
@click.option(
    "--project", default=".", type=click.Path(path_type=Path), help="The project.  [default: the one here]"
)
@click.option("-p", "--package", metavar="NAME", help="The package of the workspace.")
@click.option("--bin", "binary", metavar="NAME", help="The binary of the package.")
@click.option(
    "--output", "-o", metavar="DIR", type=click.Path(path_type=Path), help="Where the files go, not there."
)
@click.option(
    "--image",
    type=Parsed("IMAGE", _parse_image),
    help="The image that the files start, by tag or digest.  [default: the one in them, or this version's]",
)
@click.option(
    "--cache",
    type=click.Choice(("mount", "chef")),
    help="How a Dockerfile keeps what is compiled.  [default: as the one that is there, or mount]",
)
@click.option(
    "--base",
    type=Parsed("IMAGE", _parse_base),
    help="What a Dockerfile's image stands on: distroless, debian, scratch or an image.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail where a file is not as it should be.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option("--force", is_flag=True, help="Replace a file that is there and was not generated.")
@with_flags((VERBOSE, JSON))
def command(**given: Any) -> None:
    """Write files from what is known of the project.

    KIND is dockerfile, compose, env, github, kubernetes, ecs or systemd.

    A generated file stands on its own, and what is written outside its two marks stays when it is generated
    again. Without KIND it says what it would write and why. With --check it is a step for CI: the exit code
    is 3 where a file and the project have drifted apart; without KIND it looks at the generated files that
    are there.
    """
    from ferrule.cli.given import make_context
    from ferrule.verbs.build_facts import Wish
    from ferrule.verbs.generate import WHY, Wanted, generate, write

    kinds = tuple(dict.fromkeys(given["kinds"]))
    if kinds and "dockerfile" not in kinds and (given["cache"] or given["base"]):
        raise click.UsageError("--cache and --base are for the kind dockerfile")
    context = make_context(given)
    wanted = Wanted(
        kinds=kinds or KINDS,
        output=given["output"],
        image=given["image"],
        force=given["force"],
        only_ours=given["check"] and not kinds,
        dockerfile=Wish(cache=given["cache"], base=given["base"]),
    )
    files = generate(context, plain_request(given), wanted)
    if given["as_json"]:
        click.echo(json.dumps(as_json(files), indent=2))
    elif not kinds and not given["check"]:
        width = max(map(len, KINDS))
        for file in files:
            click.echo(printable(f"{file.kind:<{width}}  {file.path}  ({WHY[file.kind]})"))
        if not given["diff"]:
            context.report.say("nothing is written without a KIND, such as `ferrule generate compose`")
    if given["diff"] or (given["check"] and not given["as_json"]):
        click.echo("".join(file.diff() for file in files), nl=False)
    if given["check"]:
        _refuse_drift(files)
    elif kinds and not given["diff"]:
        write(files)
        for file in files:
            context.report.say(f"{file.path}: {'as it was' if file.state == 'same' else 'written'}")


def _refuse_drift(files: "tuple[Generated, ...]") -> None:
    drifted = [file for file in files if file.state != "same"]
    if drifted:
        paths = ", ".join(str(file.path) for file in drifted)
        raise ProjectError(
            f"{counted(len(drifted), 'file')} not as the project has it: {paths}",
            hint=f"ferrule generate {' '.join(dict.fromkeys(file.kind for file in drifted))}",
        )


def as_json(files: "tuple[Generated, ...]") -> dict[str, Any]:
    """The files for machines; `state` is new, same or changed."""
    listed = [{"kind": file.kind, "path": str(file.path), "state": file.state} for file in files]
    return {"version": 1, "files": listed}
