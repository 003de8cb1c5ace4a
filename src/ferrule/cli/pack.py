"""`ferrule pack`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import (
    DESTINATION_FLAGS,
    ENV_FLAGS,
    IMAGE_FLAGS,
    JSON,
    TRUST_FLAGS,
    VERBOSE,
    with_flags,
)
from ferrule.cli.given import destinations_of, flag_source, make_context

if TYPE_CHECKING:
    from ferrule.verbs.pack import Packed


@click.command("pack")
@click.argument("binaries", metavar="BIN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--config", metavar="FILE", type=click.Path(path_type=Path), help="The keys of the table, as TOML."
)
@with_flags(IMAGE_FLAGS, ENV_FLAGS, DESTINATION_FLAGS, TRUST_FLAGS, (VERBOSE, JSON))
def command(**given: Any) -> None:
    """Make an image of binaries that were built elsewhere.

    The first one runs, the others lie beside it in /app. The platform is theirs. Neither cargo nor Rust is
    needed. Files are looked up from the folder of --config, or from this one.
    """
    from ferrule.cli.render import pack_summary
    from ferrule.verbs.pack import PackRequest, pack

    context = make_context(given)
    request = PackRequest(binaries=given["binaries"], config=given["config"], flags=flag_source(given))
    packed = pack(context, request, given["tag"], destinations_of(given))
    context.report.say(pack_summary(packed))
    if given["as_json"]:
        click.echo(json.dumps(as_json(packed), indent=2))
    else:
        for delivered in packed.delivered:
            click.echo(delivered.line)


def as_json(packed: "Packed") -> dict[str, Any]:
    """The result for machines; sizes in bytes."""
    image = packed.made.image
    return {
        "version": 1,
        "digest": image.descriptor.digest,
        "platform": str(image.config.platform),
        "base": packed.made.base,
        "tags": list(packed.tags),
        "size": {"unpacked": packed.made.unpacked, "compressed": image.compressed_size},
        "layers": [{"digest": layer.digest, "size": layer.size} for layer in image.layers],
        "destinations": [{"kind": done.kind, "line": done.line} for done in packed.delivered],
    }
