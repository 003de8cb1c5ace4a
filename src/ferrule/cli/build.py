"""`ferrule build`."""

import json
from typing import TYPE_CHECKING, Any

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
    TRUST_FLAGS,
)
from ferrule.cli.given import destinations_of, is_for_all, make_context, project_request
from ferrule.cli.result import destinations_json, image_json, passed_json
from ferrule.cli.sections import Verb, with_flags

if TYPE_CHECKING:
    from ferrule.verbs.build import Built, BuiltImage, BuiltPart
    from ferrule.verbs.build_all import BuiltAll
    from ferrule.verbs.context import Context


@click.command("build", cls=Verb)
@PROJECT
@with_flags(
    (CARGO_FLAGS[0], ALL, *CARGO_FLAGS[1:]),
    BUILD_FLAGS,
    IMAGE_FLAGS,
    ENV_FLAGS,
    DESTINATION_FLAGS,
    GATE_FLAGS,
    TRUST_FLAGS,
    (CARGO_VERBOSE, JSON),
)
def command(**given: Any) -> None:
    """Build the project and make an image of it, or with --all one of each of its binaries.

    PROJECT is a folder of a Cargo project, or a Cargo.toml; without it, this folder. Without a destination
    the image goes into an OCI layout under target/ferrule. stdout is one line per destination, as the next
    tool takes it:

    docker run $(ferrule build --load)
    """
    if is_for_all(given):
        _build_all(make_context(given), given)
        return
    from ferrule.verbs.build import build_image

    context = make_context(given)
    built = build_image(context, project_request(given), given["tag"], destinations_of(given))
    from ferrule.cli.render import build_summary

    context.report.say(build_summary(built))
    _print(given, as_json(built), (built,))


def _build_all(context: "Context", given: dict[str, Any]) -> None:
    from ferrule.verbs.build_all import build_images

    built = build_images(context, project_request(given), given["tag"], destinations_of(given))
    from ferrule.cli.render import build_all_summary

    context.report.say(build_all_summary(built))
    _print(given, all_as_json(built), built.images)


def _print(given: dict[str, Any], answer: dict[str, Any], images: "tuple[BuiltImage, ...]") -> None:
    if given["as_json"]:
        click.echo(json.dumps(answer, indent=2))
        return
    for image in images:
        for delivered in image.delivered:
            click.echo(delivered.line)


def as_json(built: "Built") -> dict[str, Any]:
    """The result for machines; sizes in bytes, times in seconds."""
    return {
        "version": 1,
        "digest": built.content.descriptor.digest,
        "tags": list(built.tags),
        "images": [_image(part) for part in built.parts],
        "verified": passed_json(built.passed),
        "destinations": destinations_json(built.delivered),
        "seconds": _seconds(built),
    }


def all_as_json(built: "BuiltAll") -> dict[str, Any]:
    """The same for several programs: an image and a destination say which they are of."""
    names = [image.prepared.selection.binary for image in built.images]
    named = list(zip(names, built.images, strict=True))
    return {
        "version": 1,
        "programs": [
            {
                "program": name,
                "package": image.prepared.selection.package.name,
                "digest": image.content.descriptor.digest,
                "tags": list(image.tags),
                "verified": passed_json(image.passed),
            }
            for name, image in named
        ],
        "images": [{"program": name, **_image(part)} for name, image in named for part in image.parts],
        "destinations": [
            {"program": name, **done} for name, image in named for done in destinations_json(image.delivered)
        ],
        "seconds": _seconds(built),
    }


def _seconds(built: "Built | BuiltAll") -> dict[str, float]:
    return {"cargo": round(built.cargo_seconds, 3), "ferrule": round(built.own_seconds, 3)}


def _image(part: "BuiltPart") -> dict[str, Any]:
    link, allocator = part.artifact.link, part.allocator
    return {
        **image_json(part.made),
        "link": {"mode": link.mode, "reason": link.reason},
        "allocator": {"name": allocator.name, "reason": allocator.reason},
        "binary": str(part.artifact.path),
        **({"beside": [str(artifact.path) for artifact in part.beside]} if part.beside else {}),
    }
