"""`ferrule build`."""

import json
from typing import TYPE_CHECKING, Any

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
    TRUST_FLAGS,
    with_flags,
)
from ferrule.cli.given import destinations_of, make_context, project_request
from ferrule.cli.result import destinations_json, image_json

if TYPE_CHECKING:
    from ferrule.verbs.build import Built, BuiltPart


@click.command("build")
@PROJECT
@with_flags(
    CARGO_FLAGS, BUILD_FLAGS, IMAGE_FLAGS, ENV_FLAGS, DESTINATION_FLAGS, TRUST_FLAGS, (CARGO_VERBOSE, JSON)
)
def command(**given: Any) -> None:
    """Build the project and make an image of it.

    PROJECT is a folder of a Cargo project, or a Cargo.toml. Without a destination the image goes into an
    OCI layout under target/ferrule. stdout is one line per destination, as the next tool takes it:

    docker run $(ferrule build --load)
    """
    from ferrule.verbs.build import build_image

    context = make_context(given)
    built = build_image(context, project_request(given), given["tag"], destinations_of(given))
    from ferrule.cli.render import build_summary

    context.report.say(build_summary(built))
    if given["as_json"]:
        click.echo(json.dumps(as_json(built), indent=2))
    else:
        for delivered in built.delivered:
            click.echo(delivered.line)


def as_json(built: "Built") -> dict[str, Any]:
    """The result for machines; sizes in bytes, times in seconds."""
    return {
        "version": 1,
        "digest": built.content.descriptor.digest,
        "tags": list(built.tags),
        "images": [_image(part) for part in built.parts],
        "destinations": destinations_json(built.delivered),
        "seconds": {"cargo": round(built.cargo_seconds, 3), "ferrule": round(built.own_seconds, 3)},
    }


def _image(part: "BuiltPart") -> dict[str, Any]:
    link, allocator = part.artifact.link, part.allocator
    return {
        **image_json(part.made),
        "link": {"mode": link.mode, "reason": link.reason},
        "allocator": {"name": allocator.name, "reason": allocator.reason},
        "binary": str(part.artifact.path),
    }
