"""`ferrule inspect`."""

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule.cli.flags import JSON, TRUST_FLAGS, VERBOSE
from ferrule.cli.sections import Verb, with_flags
from ferrule.cli.types import Parsed
from ferrule.errors import BinaryError, InvalidValueError

if TYPE_CHECKING:
    from ferrule.oci.platform import Platform
    from ferrule.verbs.inspect import BinaryReport

KINDS = ("oci:", "docker-archive:", "oci-archive:", "docker-daemon:")


def _parse_platform(text: str) -> "Platform":
    from ferrule.oci.platform import parse_platform

    return parse_platform(text)


INSPECT_FLAGS = (
    click.option("--files", is_flag=True, help="Show the files of the image, as a container sees them."),
    click.option(
        "--layer",
        type=click.IntRange(min=1),
        metavar="N",
        help="Show the files of one layer, from 1 at the bottom.",
    ),
    click.option(
        "--platform",
        type=Parsed("OS/ARCH", _parse_platform),
        help="Which image of an index.  [default: this machine's, or the only one]",
    ),
    JSON,
)


@click.command("inspect", cls=Verb)
@click.argument("what", metavar="BIN|IMAGE")
@with_flags(INSPECT_FLAGS, TRUST_FLAGS, (VERBOSE,))
def command(**given: Any) -> None:
    """Say what a binary links and where it can run, or what an image is made of.

    A binary may be for Linux on any processor; it is not executed. An image is a layout (oci:DIR[:TAG]), an
    archive (docker-archive:FILE), one of Docker's (docker-daemon:NAME), or one of a registry; it is read
    without unpacking it.
    """
    name = given["what"]
    if not is_binary(name):
        sys.stdout.writelines(_image(given, name))
        return
    text = _binary(name, as_json=given["as_json"])
    for flag in ("files", "layer", "platform"):
        if given[flag]:
            raise click.UsageError(f"--{flag} is for images, and {name} is a binary")
    click.echo(text, nl=given["as_json"])


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
        return looks_like_a_path or ("/" in name and not {":", "@"} & {*name} and path.parent.is_dir())
    except OSError:
        # Nobody may look, or the name is too long to be one: who opens it says so.
        return looks_like_a_path


def _binary(name: str, *, as_json: bool) -> str:
    from ferrule.cli.inspect_binary import as_dict, screen
    from ferrule.elf.files import LocalFiles
    from ferrule.verbs.inspect import inspect_binary

    try:
        report: BinaryReport = inspect_binary(Path(name), LocalFiles())
    except BinaryError as error:
        raise BinaryError(error.message, hint=_hint(name) or error.hint) from error
    return json.dumps(as_dict(report), indent=2) if as_json else screen(report)


def _hint(name: str) -> str:
    """How the name is written if an image was meant; empty where it cannot be one, or is a file."""
    from ferrule.oci.reference import parse_reference

    with suppress(InvalidValueError, OSError):
        parse_reference(name)
        if not Path(name).exists():
            return (
                f"give the file of a program, or write an image with its tag or kind: {name}:latest, oci:DIR"
            )
    return ""


def _image(given: dict[str, Any], name: str) -> Iterable[str]:
    """What to write, in pieces: all files of a large image make a text of many megabytes."""
    from ferrule.cli.given import make_context
    from ferrule.cli.inspect_image import as_json, files_screen, layer_screen, screen
    from ferrule.verbs.inspect_image import inspect_image

    report = inspect_image(make_context(given), name, given["platform"])
    number: int | None = given["layer"]
    if number is not None and number > len(report.layers):
        raise click.BadParameter(f"the image has {len(report.layers)} layers", param_hint="'--layer'")
    if given["as_json"]:
        return as_json(report, files=given["files"], layer=number)
    if number is not None:
        return layer_screen(report, number)
    return files_screen(report) if given["files"] else screen(report)
