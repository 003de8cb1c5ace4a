"""Images of ours in an engine that keeps images: how they get there, and under which name."""

from ferrule.engine.engine import Loader
from ferrule.errors import InvalidValueError, UsageError
from ferrule.image.archive import write_archive
from ferrule.image.image import Image
from ferrule.oci.reference import Reference, parse_reference
from ferrule.verbs.context import Context


def load_image(context: Context, loader: Loader, image: Image, *names: Reference) -> None:
    """Bring an image to an engine that keeps images, under its names there."""
    with context.scratch() as folder:
        archive = folder / "image.tar"
        write_archive(image, names, archive, docker_only=loader.drops_health)
        loader.load(archive)


def name_in_engine(name: str) -> Reference:
    """The name under which an engine gets an image: its own, or `ferrule-run` for a layout."""
    if name.startswith("oci:"):
        return parse_reference("ferrule-run:latest")
    try:
        reference = parse_reference(name)
    except InvalidValueError as error:
        raise UsageError(error.message, hint=error.hint) from error
    return reference.with_tag(reference.tag or "latest")
