"""`ferrule inspect`."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import JSON, TRUST_FLAGS, VERBOSE, option, with_flags
from ferrule.cli.types import Parsed

if TYPE_CHECKING:
    from ferrule.oci.platform import Platform
    from ferrule.verbs.inspect import BinaryReport

KINDS = ("oci:", "docker-archive:", "oci-archive:", "docker-daemon:")


def _parse_platform(text: str) -> "Platform":
    from ferrule.oci.platform import parse_platform

    return parse_platform(text)


INSPECT_FLAGS = (
    click.option("--files", is_flag=True, help="The files of the image, as a container sees them."),
    option(
        "--layer",
        type=click.IntRange(min=1),
        metavar="N",
        help="The files of one layer, from 1 at the bottom.",
    ),
    option(
        "--platform",
        type=Parsed("OS/ARCH", _parse_platform),
        help="Which image of an index.  [default: this machine's]",
    ),
    JSON,
)


@click.command("inspect")
@click.argument("what", metavar="BIN|IMAGE")
@with_flags(INSPECT_FLAGS, TRUST_FLAGS, (VERBOSE,))
def command(**given: Any) -> None:
    """Say what a binary links and where it can run, or what an image is made of.

    A binary may be for Linux on any processor; it is not executed. An image is a layout (oci:DIR[:TAG]), an
    archive (docker-archive:FILE), one of Docker's (docker-daemon:NAME), or one of a registry; it is read
    without unpacking it.
    """
    name, wants_files = given["what"], given["files"] or given["layer"] is not None
    if is_binary(name):
        if wants_files:
            raise click.UsageError(f"{name} is no image: it has neither files nor layers")
        click.echo(_binary(Path(name), as_json=given["as_json"]), nl=given["as_json"])
    else:
        sys.stdout.writelines(_image(given, name))


def is_binary(name: str) -> bool:
    """Whether the name means a file that is no archive; a missing one, where it looks like a path."""
    from ferrule.image.untar import looks_like_tar

    path = Path(name)
    if name.startswith(KINDS):
        return False
    looks_like_a_path = name.startswith(("/", ".", "~")) or not {"/", ":", "@"} & {*name}
    try:
        if path.is_dir():
            return False
        if path.is_file():
            return not looks_like_tar(path)
        return looks_like_a_path or ("/" in name and path.parent.is_dir())
    except OSError:
        # Nobody may look, or the name is too long to be one: who opens it says so.
        return looks_like_a_path


def _binary(path: Path, *, as_json: bool) -> str:
    from ferrule.cli.inspect_binary import as_dict, screen
    from ferrule.elf.files import LocalFiles
    from ferrule.verbs.inspect import inspect_binary

    report: BinaryReport = inspect_binary(path, LocalFiles())
    return json.dumps(as_dict(report), indent=2) if as_json else screen(report)


def _image(given: dict[str, Any], name: str) -> Iterable[str]:
    """What to write, in pieces: all files of a large image make a text of many megabytes."""
    from ferrule.cli.given import make_context
    from ferrule.cli.inspect_image import as_json, files_screen, layer_screen, screen
    from ferrule.oci.platform import this_platform
    from ferrule.verbs.inspect_image import inspect_image

    platform: Platform = given["platform"] or this_platform()
    report = inspect_image(make_context(given), name, platform)
    number: int | None = given["layer"]
    if number is not None and number > len(report.layers):
        raise click.BadParameter(f"the image has {len(report.layers)} layers", param_hint="--layer")
    if given["as_json"]:
        return as_json(report, files=given["files"], layer=number)
    if number is not None:
        return layer_screen(report, number)
    return files_screen(report) if given["files"] else screen(report)
