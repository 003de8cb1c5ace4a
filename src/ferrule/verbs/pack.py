"""A program and settings go in, an image comes out: base, check, layers, configuration."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ferrule.base.entry import FileEntry
from ferrule.cargo.needs import Need
from ferrule.config import Settings
from ferrule.elf.facts import Binary
from ferrule.image.assemble import ImageSpec, assemble
from ferrule.image.image import Image
from ferrule.image.layer import Layer, LayerSpec, make_layer
from ferrule.image.tar import content_size, with_parents
from ferrule.oci.image_config import RunConfig
from ferrule.verbs.bases import Ground, lay_ground
from ferrule.verbs.context import Context
from ferrule.verbs.run_config import PROGRAM_FOLDER, run_config


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A finished binary and what is known of it. `labels` makes the image's labels from those of the base."""

    name: str
    path: Path
    binary: Binary
    certificates: Need
    time_zones: Need
    labels: Callable[[Mapping[str, str]], dict[str, str]]

    @property
    def place(self) -> PurePosixPath:
        """Where it lies in the image."""
        return PROGRAM_FOLDER / self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """The image, the base it stands on in words, and the bytes of its files."""

    image: Image
    base: str
    unpacked: int


def pack(context: Context, program: Program, settings: Settings, files: tuple[FileEntry, ...]) -> Packed:
    """Make the image. Raises `ImageError` when its base cannot run the program: then nothing was written."""
    with ExitStack() as stack, context.report.step("making the image"):
        ground = lay_ground(
            context, stack, program.binary, settings, program.certificates, program.time_zones
        )
        specs = (*ground.layers, LayerSpec(title="files", entries=files), _program_layer(program))
        layers = _make(context, ground, specs)
        image = assemble(
            ImageSpec(
                platform=ground.platform,
                base=ground.image,
                layers=layers,
                run=_run(program, settings, ground),
                created=context.created,
            ),
            context.store,
        )
    unpacked = ground.unpacked + sum(content_size(spec.entries) for spec in specs)
    return Packed(image=image, base=ground.name, unpacked=unpacked)


def _program_layer(program: Program) -> LayerSpec:
    """The last layer, because it changes most."""
    entry = FileEntry(path=program.place, kind="file", mode=0o755, source=program.path)
    return LayerSpec(title=f"program {program.name}", entries=(entry,))


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


def _run(program: Program, settings: Settings, ground: Ground) -> RunConfig:
    below = ground.image.config.run if ground.image else RunConfig()
    return run_config(
        settings,
        below=below,
        program=program.place,
        variables=ground.variables,
        labels=program.labels(ground.labels),
    )
