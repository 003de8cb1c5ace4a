"""Programs and settings go in, an image comes out: base, check, layers, configuration."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import msgspec

from ferrule.base.entry import FileEntry
from ferrule.cargo.needs import Need
from ferrule.config import Settings
from ferrule.elf.facts import Binary
from ferrule.image.assemble import ImageSpec, assemble
from ferrule.image.image import Image
from ferrule.image.layer import Layer, LayerSpec, make_layer
from ferrule.image.tar import content_size, with_parents
from ferrule.oci.image_config import RunConfig
from ferrule.values import PROGRAM_FOLDER
from ferrule.verbs.aids import Aids
from ferrule.verbs.bases import Ground, lay_ground
from ferrule.verbs.context import Context
from ferrule.verbs.places import place_files, workdir
from ferrule.verbs.run_config import run_config


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A finished binary, and its name in the image."""

    name: str
    path: Path
    binary: Binary

    @property
    def place(self) -> PurePosixPath:
        """Where it lies in the image."""
        return PROGRAM_FOLDER / self.name


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What an image is made of. The first program is the one that runs, the others lie beside it.

    `labels` makes the image's labels from those of the base.
    """

    programs: tuple[Program, ...]
    certificates: Need
    time_zones: Need
    labels: Callable[[Mapping[str, str]], dict[str, str]]
    files: tuple[FileEntry, ...] = ()
    aids: Aids = Aids()


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The image, the base it stands on in words, and the bytes of its files."""

    image: Image
    base: str
    unpacked: int


def make_image(context: Context, contents: Contents, settings: Settings) -> Made:
    """Make the image. Raises `ImageError` when its base cannot run a program: then nothing was written."""
    with ExitStack() as stack, context.report.step("making the image"):
        binaries = tuple(program.binary for program in contents.programs)
        ground = lay_ground(context, stack, binaries, settings, contents.certificates, contents.time_zones)
        specs = (*ground.layers, *_own_layers(contents, settings, ground))
        layers = _make(context, ground, specs)
        image = assemble(
            ImageSpec(
                platform=ground.platform,
                base=ground.image,
                layers=layers,
                run=_run(contents, settings, ground),
                created=context.created,
            ),
            context.store,
        )
    unpacked = ground.unpacked + sum(content_size(spec.entries) for spec in specs)
    return Made(image=image, base=ground.name, unpacked=unpacked)


def _own_layers(contents: Contents, settings: Settings, ground: Ground) -> tuple[LayerSpec, ...]:
    """The probe and the init, which change with rustc, files, then the programs, which change most."""
    there = ground.present | {entry.path for spec in ground.layers for entry in spec.entries}
    files = place_files(contents.files, settings, there)
    folder = workdir(settings, there | {entry.path for entry in files})
    programs = tuple(
        FileEntry(
            path=program.place,
            kind="file",
            mode=0o755,
            source=program.path,
            capabilities=settings.capabilities if program is contents.programs[0] else (),
        )
        for program in contents.programs
    )
    names = " ".join(program.name for program in contents.programs)
    kinds = {"volumes": settings.volumes, "files": contents.files}
    return (
        LayerSpec(title=contents.aids.title, entries=contents.aids.entries),
        LayerSpec(title=" and ".join(kind for kind, of in kinds.items() if of), entries=files),
        LayerSpec(title=f"program {names}", entries=(*folder, *programs)),
    )


def _make(context: Context, ground: Ground, specs: tuple[LayerSpec, ...]) -> tuple[Layer, ...]:
    """The layers, from stable to changing; each folder is made once, in the first layer that needs it."""
    present: set[PurePosixPath] = set(ground.present)
    layers = []
    for spec in specs:
        if not spec.entries:
            continue
        entries = tuple(with_parents(spec.entries, frozenset(present)))
        present |= {entry.path for entry in entries}
        layers.append(
            make_layer(LayerSpec(title=spec.title, entries=entries), context.store, mtime=context.created)
        )
    return tuple(layers)


def _run(contents: Contents, settings: Settings, ground: Ground) -> RunConfig:
    below = ground.image.config.run if ground.image else RunConfig()
    return run_config(
        settings,
        below=below,
        program=contents.programs[0].place,
        variables=ground.variables,
        labels={**ground.own_labels, **contents.labels(ground.labels)},
        aids=contents.aids,
    )
