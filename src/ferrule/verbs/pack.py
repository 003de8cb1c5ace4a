"""The same image out of binaries built elsewhere: no cargo and no Rust are asked for."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferrule.cargo.needs import Need
from ferrule.config import Source, resolve, tables_of
from ferrule.elf.facts import read_binary
from ferrule.errors import ImageError, InvalidValueError, ProjectError, UsageError
from ferrule.oci.reference import Reference, parse_reference
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Delivered, Destinations, Parcel, check_destinations, deliver
from ferrule.verbs.files import collect_files
from ferrule.verbs.image import Contents, Made, Program, make_image
from ferrule.verbs.labels import labels_of
from ferrule.verbs.prepare import check_references
from ferrule.verbs.tags import fill_tags

UNKNOWN_CRATES = Need(wanted=True, reason="what the program was built of is not known")
NO_ZONES = Need(wanted=False, reason="what the program was built of is not known; take them along by --file")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackRequest:
    """The binaries, the first of which runs; `config` is a TOML file with the keys of the table."""

    binaries: tuple[Path, ...]
    config: Path | None
    flags: Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """An image that was made of finished binaries and delivered."""

    name: Reference
    tags: tuple[str, ...]
    made: Made
    delivered: tuple[Delivered, ...]


def pack(context: Context, request: PackRequest, tags: tuple[str, ...], destinations: Destinations) -> Packed:
    """Read the binaries, make the image, deliver it.

    Raises `BinaryError` for a file that is no program, `ImageError` for programs of different platforms.
    """
    programs = _programs(request.binaries)
    folder = request.config.absolute().parent if request.config else Path.cwd()
    settings = resolve((request.flags, *_tables(request.config, programs[0].name)))
    repository = check_references(settings, programs[0].name)
    filled = fill_tags(context.runner, tags, version=None, folder=folder)
    if destinations.is_empty:
        raise UsageError("where is the image to go?", hint="give --push, --load or --output oci:DIR")
    check_destinations(destinations, repository)
    contents = Contents(
        programs=programs,
        certificates=UNKNOWN_CRATES,
        time_zones=NO_ZONES,
        labels=lambda base: labels_of({"title": programs[0].name, **base}, settings.labels),
        files=collect_files(settings.files, folder, folder),
    )
    made = make_image(context, contents, settings)
    name = repository or _own_name(programs[0].name)
    parcel = Parcel(image=made.image, name=name, tags=filled, program=programs[0].path, layout=folder)
    return Packed(name=name, tags=filled, made=made, delivered=deliver(context, parcel, destinations))


def _programs(paths: tuple[Path, ...]) -> tuple[Program, ...]:
    programs = tuple(Program(name=path.name, path=path, binary=read_binary(path)) for path in paths)
    first = programs[0]
    for number, program in enumerate(programs):
        if program.name in {other.name for other in programs[:number]}:
            raise UsageError(f"two binaries are called {program.name}", hint="they would lie in one place")
        platform, wanted = program.binary.platform, first.binary.platform
        if platform != wanted:
            raise ImageError(
                f"{program.path} is for {platform}, and {first.path} is for {wanted}",
                hint="an image is for one platform: pack them apart",
            )
    return programs


def _tables(config: Path | None, binary: str) -> tuple[Source, ...]:
    if config is None:
        return ()
    try:
        table: Mapping[str, Any] = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        hint = "it is a TOML file with the keys of [package.metadata.ferrule]"
        raise ProjectError(f"cannot read {config}: {reason}", hint=hint) from error
    return tables_of({"ferrule": table}, str(config), binary)


def _own_name(binary: str) -> Reference:
    try:
        return parse_reference(binary.lower())
    except InvalidValueError as error:
        raise UsageError(f"{binary!r} cannot be an image's name", hint="give one by --image") from error
