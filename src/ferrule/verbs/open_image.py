"""An image that lies in a layout or a registry: its name and a platform go in, an `Image` comes out."""

from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.atomic import is_there
from ferrule.errors import InvalidValueError, RegistryError, UsageError
from ferrule.image.image import Image
from ferrule.image.layout import LayoutError, read_layout
from ferrule.oci.platform import Platform
from ferrule.oci.reference import parse_reference
from ferrule.verbs.context import Context

if TYPE_CHECKING:
    from ferrule.registry.client import Client


def open_image(context: Context, name: str, platform: Platform, *, any_platform: bool = False) -> Image:
    """An image by reference, or `oci:DIR[:TAG]`. Raises `RegistryError` when there is none.

    With `any_platform`, an image that is for one other platform alone will do.
    """
    if name.startswith("oci:"):
        folder, tag = split_place(name.removeprefix("oci:"))
        try:
            return read_layout(folder, tag, platform)
        except LayoutError as error:
            raise RegistryError(error.message, hint=error.hint) from error
    from ferrule.registry.pull import resolve

    try:
        reference = parse_reference(name)
    except InvalidValueError as error:
        raise UsageError(error.message, hint=error.hint) from error
    with context.report.step(f"reading {name}"):
        return resolve(client_of(context), reference, platform, context.store, any_platform=any_platform)


def split_place(text: str) -> tuple[Path, str | None]:
    """A path, and the name behind its colon. Both may have colons of their own.

    The longest path that is there is meant, and where none is, all before the first colon.
    """
    if not text:
        raise UsageError("there is no path behind the colon", hint="write oci:DIR or docker-archive:FILE")
    ends = [len(text), *(at for at in reversed(range(len(text))) if text[at] == ":")]
    end = next((each for each in ends if each and is_there(Path(text[:each]))), ends[-1])
    return Path(text[:end]), text[end + 1 :] or None


def client_of(context: Context) -> "Client":
    """The registry client of this run, with the user's credentials and trust: one, with its connections."""
    return context.once("client", lambda: _client(context))


def _client(context: Context) -> "Client":
    from ferrule.registry.client import Access, Client
    from ferrule.registry.credentials import Credentials

    access = Access(
        mirrors=dict(context.trust.mirrors), insecure=context.trust.insecure, ca_file=context.trust.ca_file
    )
    return Client(access=access, credentials=Credentials(runner=context.runner))
