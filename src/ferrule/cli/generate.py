"""`ferrule generate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.env import plain_request
from ferrule.cli.flags import ALLOW_SECRET, JSON, VERBOSE, parse_base
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.types import BIN, PACKAGE, Parsed
from ferrule.errors import ProjectError
from ferrule.text import counted, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.verbs.generated import Generated

KINDS = ("dockerfile", "compose", "env", "github", "kubernetes", "ecs", "systemd")


def _parse_image(text: str) -> object:
    from ferrule.oci.reference import parse_reference

    return parse_reference(text)


@click.command("generate", cls=Verb)
@click.argument("kinds", metavar="[KIND...]", nargs=-1, type=click.Choice(KINDS))
@click.option(
    "--project", default=".", type=click.Path(path_type=Path), help="The project.  [default: the one here]"
)
@PACKAGE
@BIN
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
    type=Parsed("IMAGE", parse_base),
    help="What a Dockerfile's image stands on: distroless, debian, scratch or an image.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail where a file is not as it should be.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option("--force", is_flag=True, help="Replace a file that is there and was not generated.")
@with_flags((ALLOW_SECRET, VERBOSE, JSON))
def command(**given: Any) -> None:
    """Write files from what is known of the project.

    KIND is dockerfile, compose, env, github, kubernetes, ecs or systemd.

    A generated file stands on its own, and what is written outside its two marks stays when it is generated
    again. Without KIND it says what it would write and why. With --check it is a step for CI: the exit code
    is 3 where a file and the project have drifted apart, or a file is left over that nothing writes any more;
    without KIND it looks at the generated files that are there. A file that was generated for another program
    of the project stays that program's: give each its own --output, in the project for a Dockerfile.
    """
    from ferrule.cli.given import make_context
    from ferrule.verbs.build_facts import Wish
    from ferrule.verbs.generate import WHY, Wanted, generate
    from ferrule.verbs.generated import write

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
        check=given["check"],
        dockerfile=Wish(cache=given["cache"], base=given["base"]),
    )
    files = generate(context, plain_request(given), wanted)
    if given["as_json"]:
        click.echo(json.dumps(as_json(files, with_diff=given["diff"]), indent=2))
    elif not kinds and not given["check"]:
        _list(files, WHY)
        if not given["diff"]:
            context.report.say("nothing is written without a KIND, such as `ferrule generate compose`")
    if given["diff"] or given["check"]:
        _compare(files, given)
    elif kinds:
        write(files, force=given["force"])
        for file in files:
            if file.state == "stale":
                context.report.warn(f"{file.path} is not generated any more: delete it")
            else:
                context.report.say(f"{file.path}: {'as it was' if file.state == 'same' else 'written'}")


STATES = {
    "new": "",
    "same": "; it is there",
    "changed": "; it is there, and has drifted",
    "foreign": "; another one is there, which only --force replaces",
    "stale": "; it is left over: delete it",
}


def _list(files: "tuple[Generated, ...]", why: "Mapping[str, str]") -> None:
    width = max(map(len, KINDS))
    for file in files:
        there = f"; that of {file.other} is there" if file.other else STATES[file.state]
        click.echo(printable(f"{file.kind:<{width}}  {file.path}  ({why[file.kind]}{there})"))


def _compare(files: "tuple[Generated, ...]", given: dict[str, Any]) -> None:
    """What would change; with --check it is an error."""
    from ferrule.verbs.generated import refuse_foreign

    if given["kinds"]:
        refuse_foreign(files)
    if not given["as_json"]:
        click.echo("".join(file.diff() for file in files), nl=False)
    if given["check"]:
        _refuse_drift(files, given)


def _refuse_drift(files: "tuple[Generated, ...]", given: dict[str, Any]) -> None:
    """Name what has drifted and what is left over, and what mends both."""
    drifted = [file for file in files if file.state in ("new", "changed")]
    stale = [str(file.path) for file in files if file.state == "stale"]
    said, hints = [], []
    if drifted:
        paths = ", ".join(str(file.path) for file in drifted)
        said.append(f"{counted(len(drifted), 'file')} not as the project has it: {paths}")
        flags = (("--package", "package"), ("--bin", "binary"), ("--output", "output"))
        asked = [f"{flag} {given[key]}" for flag, key in flags if given[key]]
        kinds = dict.fromkeys(file.kind for file in drifted)
        hints.append(" ".join(("ferrule generate", *kinds, *asked)))
    if stale:
        said.append(f"{counted(len(stale), 'file')} not generated any more: {', '.join(stale)}")
        hints.append(f"delete {', '.join(stale)}")
    if said:
        raise ProjectError("; ".join(said), hint=", and ".join(hints))


def as_json(files: "tuple[Generated, ...]", *, with_diff: bool) -> dict[str, Any]:
    """The files for machines; `state` is new, same, changed, foreign (not generated) or stale (left over)."""
    listed = [
        {"kind": file.kind, "path": str(file.path), "state": file.state}
        | ({"diff": file.diff()} if with_diff else {})
        for file in files
    ]
    return {"version": 1, "files": listed}
