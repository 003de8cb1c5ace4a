"""An image that somebody names, wherever it lies: a folder, an archive, Docker or a registry."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ferrule.atomic import is_there
from ferrule.errors import UsageError
from ferrule.image.shelf import FolderShelf, ShelfError, TarShelf
from ferrule.image.source import ImageSource, source_of
from ferrule.image.stored import INDEX, find_stored
from ferrule.oci.platform import Platform
from ferrule.verbs.context import Context
from ferrule.verbs.open_image import open_image, split_place

ARCHIVES = ("docker-archive", "oci-archive")


@contextmanager
def find_image(context: Context, name: str, platform: Platform) -> Iterator[ImageSource]:
    """The image, to be read in the block.

    `oci:DIR[:TAG]`, `docker-archive:FILE[:NAME]`, `oci-archive:FILE[:TAG]`, `docker-daemon:NAME`, the path of
    a layout or an archive, or a reference. Raises `RegistryError`, `EngineError` or `ImageError`.
    """
    kind, _, rest = name.partition(":")
    if kind == "oci":
        path, tag = split_place(rest)
        yield find_stored(_folder(path), tag, platform)
    elif kind in ARCHIVES:
        path, tag = split_place(rest)
        yield find_stored(TarShelf(path), tag, platform)
    elif kind == "docker-daemon":
        with _from_docker(context, rest, platform) as source:
            yield source
    elif is_there(Path(name)):
        place = Path(name)
        yield find_stored(_folder(place) if place.is_dir() else TarShelf(place), None, platform)
    else:
        yield source_of(open_image(context, name, platform, any_platform=True))


def _folder(path: Path) -> FolderShelf:
    shelf = FolderShelf(path)
    if is_there(path / "Cargo.toml"):
        raise ShelfError(
            f"{path} is a project and no image", hint=f"write ferrule inspect $(ferrule build {path})"
        )
    if not shelf.has(INDEX):
        raise ShelfError(f"{path} is no OCI layout", hint="an OCI layout has index.json and blobs/")
    return shelf


@contextmanager
def _from_docker(context: Context, name: str, platform: Platform) -> Iterator[ImageSource]:
    from ferrule.engine.docker_save import save

    if not name:
        raise UsageError("there is no name behind docker-daemon:", hint="write docker-daemon:shop:1.2")
    with context.scratch() as folder:
        archive = folder / "image.tar"
        with context.report.step(f"saving {name} from docker"):
            save(name, archive)
        yield find_stored(TarShelf(archive), None, platform)
