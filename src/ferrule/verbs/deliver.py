"""Where an image goes: registry, engine, layout, archive or file. Each gives one line for the next tool."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ferrule.atomic import appearing, check_replaceable, is_there
from ferrule.config import Settings
from ferrule.engine.inside import MEMORY
from ferrule.errors import OutputError, UsageError
from ferrule.oci.reference import Reference
from ferrule.values import Output
from ferrule.verbs.context import Context

if TYPE_CHECKING:
    from ferrule.image.image import Image, Publishable
    from ferrule.oci.platform import Platform


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the image is verified before it goes anywhere: `wanted` None leaves that to the project.

    `engine`, `host_network` and `memory` as in `VerifyOptions`; `env` is what the program gets, and the
    image does not.
    """

    wanted: bool | None = None
    engine: str = "auto"
    host_network: bool = False
    memory: int = MEMORY
    env: tuple[tuple[str, str | None], ...] = ()


class Destinations(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was asked for. Without any, the image goes into the project's own layout."""

    push: bool = False
    load: bool = False
    engine: str = "docker"
    outputs: tuple[Output, ...] = ()
    gate: Gate = Gate()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for."""
        return not (self.push or self.load or self.outputs)

    def for_binary(self, name: str) -> "Destinations":
        """With the binary's name where an output has `{bin}`."""
        return replace(self, outputs=tuple(output.for_binary(name) for output in self.outputs))

    def is_gated(self, settings: Settings) -> bool:
        """Whether the image is verified first: a flag says so, or the project does and it is pushed."""
        return settings.verify and self.push if self.gate.wanted is None else self.gate.wanted


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """One destination reached. `line` is what the next tool takes; `kind` names the destination in JSON.

    `platform` is set where the destination takes one platform and there were several.
    """

    kind: str
    line: str
    platform: str | None = None


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate found of an image that may go on: seconds until it was healthy, bytes of memory at rest.

    `before`: an earlier run of ferrule found it. Those that are None were not to be seen.
    """

    digest: str
    platform: str
    engine: str | None
    seconds: float | None
    memory: int | None
    before: bool


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """An image or an index on its way, its names, and the programs for `binary:`, one for each image.

    `layout` is the default place. `layout_tags` are its names in layouts, where others lie beside it.
    """

    content: "Publishable"
    name: Reference
    tags: tuple[str, ...]
    programs: tuple[Path, ...]
    layout: Path
    layout_tags: tuple[str, ...]


def check_destinations(destinations: Destinations, repository: Reference | None) -> None:
    """Refuse before the build what could not be delivered after it."""
    if destinations.push and repository is None:
        raise UsageError(
            "--push needs the image's repository", hint="give --image ghcr.io/you/name, or set the key image"
        )
    if destinations.load:
        from ferrule.engine.choose import choose_loader

        choose_loader(destinations.engine)
    for output in destinations.outputs:
        if output.kind != "oci":
            check_replaceable(output.path)
        folder = output.path if output.kind == "oci" else output.path.parent
        nearest = next(parent for parent in (folder, *folder.absolute().parents) if is_there(parent))
        if not nearest.is_dir():
            raise OutputError(
                f"cannot write to {output.path}: {nearest} is no folder", hint="choose another place"
            )


def deliver(context: Context, parcel: Parcel, destinations: Destinations) -> tuple[Delivered, ...]:
    """Bring the image everywhere it was asked for; the default layout when nothing was."""
    if destinations.is_empty:
        (delivered,) = deliver_here((parcel,))
        return (delivered,)
    done = [_write(context, parcel, output) for output in destinations.outputs]
    if destinations.load:
        done.append(_load(context, parcel, destinations.engine))
    if destinations.push:
        done.append(_push(context, parcel))
    return tuple(done)


def deliver_here(parcels: tuple[Parcel, ...]) -> tuple[Delivered, ...]:
    """Bring images into the default layout, which is the same for all; they appear there together."""
    from ferrule.image.layout import write_layouts

    tagged = {tag: parcel.content for parcel in parcels for tag in parcel.layout_tags}
    write_layouts(tagged, parcels[0].layout, prune=True)
    return tuple(
        Delivered(kind="oci", line=f"oci:{parcel.layout}:{parcel.layout_tags[0]}") for parcel in parcels
    )


def _write(context: Context, parcel: Parcel, output: Output) -> Delivered:
    if output.kind == "oci":
        from ferrule.image.layout import write_layout

        tag = output.tag or parcel.layout_tags[0]
        write_layout(parcel.content, output.path, tag)
        return Delivered(kind="oci", line=f"oci:{output.path}:{tag}")
    if output.kind == "docker-archive":
        from ferrule.image.archive import write_archive

        write_archive(parcel.content, _names(parcel), output.path)
        return Delivered(kind="docker-archive", line=f"docker-archive:{output.path}")
    image, platform = _one(context, parcel, str(output.path))
    _copy(parcel.programs[parcel.content.images.index(image)], output.path)
    return Delivered(kind="binary", line=str(output.path), platform=platform)


def _one(context: Context, parcel: Parcel, place: str) -> "tuple[Image, str | None]":
    """The image for this machine, for a place that takes one alone. Which it is, is said of several."""
    from ferrule.image.image import image_for
    from ferrule.oci.platform import this_platform

    image = image_for(parcel.content, this_platform())
    if len(parcel.content.images) == 1:
        return image, None
    platform: Platform = image.config.platform
    context.report.say(f"{place} takes one platform: {platform}")
    return image, str(platform)


def _load(context: Context, parcel: Parcel, engine: str) -> Delivered:
    from ferrule.engine.choose import choose_loader
    from ferrule.image.archive import familiar
    from ferrule.verbs.in_engine import load_image

    names = _names(parcel)
    image, platform = _one(context, parcel, engine)
    with context.report.step(f"loading into {engine}"):
        load_image(context, choose_loader(engine), image, *names)
    return Delivered(kind="load", line=familiar(names[0]), platform=platform)


def _push(context: Context, parcel: Parcel) -> Delivered:
    from ferrule.registry.push import push
    from ferrule.verbs.open_image import client_of

    with context.report.step(f"pushing to {parcel.name.registry}"):
        published = push(client_of(context), parcel.content, parcel.name, parcel.tags, context.report)
    return Delivered(kind="push", line=str(published))


def _names(parcel: Parcel) -> tuple[Reference, ...]:
    return tuple(parcel.name.with_tag(tag) for tag in parcel.tags)


def _copy(program: Path, file: Path) -> None:
    with appearing(file) as part:
        shutil.copyfile(program, part)
        part.chmod(0o755)
