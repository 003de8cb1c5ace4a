"""`ferrule pack`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import (
    DESTINATION_FLAGS,
    ENV_FLAGS,
    GATE_FLAGS,
    IMAGE_FLAGS,
    JSON,
    TRUST_FLAGS,
    VERBOSE,
)
from ferrule.cli.given import destinations_of, flag_source, make_context
from ferrule.cli.result import destinations_json, image_json, passed_json
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.types import Parsed
from ferrule.errors import InvalidValueError

if TYPE_CHECKING:
    from ferrule.oci.platform import Platform
    from ferrule.verbs.pack import Packed


def _parse_platform(text: str) -> "tuple[Platform, Path]":
    from ferrule.oci.platform import parse_platform

    platform, equals, path = text.partition("=")
    if not equals or not path:
        raise InvalidValueError(f"{text!r} is not OS/ARCH=BIN", hint="write it like linux/arm64=target/shop")
    return parse_platform(platform), Path(path)


@click.command("pack", cls=Verb)
@click.argument("binaries", metavar="[BIN...]", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    type=Parsed("OS/ARCH=BIN", _parse_platform),
    help="A binary and its platform, for an index of several.",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A TOML file with the keys of [package.metadata.ferrule].",
)
@with_flags(IMAGE_FLAGS, ENV_FLAGS, DESTINATION_FLAGS, GATE_FLAGS, TRUST_FLAGS, (VERBOSE, JSON))
def command(**given: Any) -> None:
    """Make an image of binaries that were built elsewhere.

    The first one runs, the others lie beside it in /app. The platform is theirs. Neither cargo nor Rust is
    needed. Files are looked up from the folder of --config, or from this one.

    With --platform linux/amd64=BIN --platform linux/arm64=BIN it becomes an index of one image for each.
    """
    if not given["binaries"] and not given["platforms"]:
        raise click.UsageError("Missing argument 'BIN...'.")
    from ferrule.cli.render import pack_summary
    from ferrule.verbs.pack import PackRequest, pack

    context = make_context(given)
    request = PackRequest(
        binaries=given["binaries"],
        platforms=given["platforms"],
        config=given["config"],
        flags=flag_source(given),
        allow_secrets=given["allow_secret"],
    )
    packed = pack(context, request, given["tag"], destinations_of(given))
    context.report.say(pack_summary(packed))
    if given["as_json"]:
        click.echo(json.dumps(as_json(packed), indent=2))
    else:
        for delivered in packed.delivered:
            click.echo(delivered.line)


def as_json(packed: "Packed") -> dict[str, Any]:
    """The result for machines; sizes in bytes."""
    return {
        "version": 1,
        "digest": packed.content.descriptor.digest,
        "tags": list(packed.tags),
        "images": [image_json(made) for made in packed.made],
        "verified": passed_json(packed.passed),
        "destinations": destinations_json(packed.delivered),
    }
