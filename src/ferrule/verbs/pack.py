"""The same image out of binaries built elsewhere: without cargo, and with rustc for a health probe alone."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ferrule.base.entry import FileEntry
from ferrule.cargo.needs import Need
from ferrule.config import Settings, resolve
from ferrule.elf.facts import read_binary
from ferrule.errors import ImageError, InvalidValueError, ProjectError, UsageError
from ferrule.image.image import Publishable, index_images
from ferrule.oci.platform import Platform
from ferrule.oci.reference import Reference, parse_reference
from ferrule.tables import Source, tables_of
from ferrule.verbs.aids import Aids, aids_of_pack
from ferrule.verbs.context import Context
from ferrule.verbs.deliver import Delivered, Destinations, Parcel, Passed, check_destinations, deliver
from ferrule.verbs.files import collect_files
from ferrule.verbs.image import Contents, Made, Program, make_image
from ferrule.verbs.labels import labels_of
from ferrule.verbs.plain import check_plain
from ferrule.verbs.prepare import check_references
from ferrule.verbs.tags import fill_tags

UNKNOWN_CRATES = Need(wanted=True, reason="what the program was built of is not known")
Programs = tuple[Program, ...]
NO_ZONES = Need(wanted=False, reason="what the program was built of is not known; take them along by --file")


class PackRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The binaries, the first of which runs; `config` is a TOML file with the keys of the table.

    `platforms` are binaries too, each with the platform whose image it goes into. `allow_secrets` are names
    of variables and labels that may look like secrets.
    """

    binaries: tuple[Path, ...]
    config: Path | None
    flags: Source
    platforms: tuple[tuple[Platform, Path], ...] = ()
    allow_secrets: tuple[str, ...] = ()


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of finished binaries, and delivered: an image for each platform."""

    name: Reference
    tags: tuple[str, ...]
    content: Publishable
    made: tuple[Made, ...]
    delivered: tuple[Delivered, ...]
    passed: Passed | None = None


def pack(context: Context, request: PackRequest, tags: tuple[str, ...], destinations: Destinations) -> Packed:
    """Read the binaries, make the image, deliver it.

    Raises `BinaryError` for a file that is no program, `ImageError` for programs of different platforms.
    """
    groups = _groups(request)
    program = groups[0][0].name
    folder = request.config.absolute().parent if request.config else Path.cwd()
    settings = resolve((request.flags, *_tables(request.config, program)))
    check_plain(settings, request.allow_secrets)
    if settings.include_bins:
        raise ProjectError(
            f"{settings.origins['include-bins']}.include-bins: these are binaries of a project",
            hint="give ferrule pack their files; the first one runs",
        )
    repository = check_references(settings, program)
    filled = fill_tags(context.runner, tags, version=None, folder=folder)
    if destinations.is_empty:
        raise UsageError("where is the image to go?", hint="give --push, --load or --output oci:DIR")
    destinations = destinations.for_binary(program)
    check_destinations(destinations, repository)
    gated = destinations.is_gated(settings)
    if gated:
        from ferrule.verbs.gate import check_gate, pass_gate

        check_gate(settings, destinations)
    files = collect_files(settings.files, folder, folder, tuple(each.name for each in groups[0]))
    aids = tuple(aids_of_pack(context, settings, each[0].binary.platform, folder) for each in groups)
    made = tuple(
        make_image(context, _contents(programs, settings, files, own), settings)
        for programs, own in zip(groups, aids, strict=True)
    )
    name = repository or _own_name(program)
    parcel = Parcel(
        content=index_images(tuple(each.image for each in made)),
        name=name,
        tags=filled,
        programs=tuple(programs[0].path for programs in groups),
        layout=folder,
        layout_tags=filled,
    )
    passed = pass_gate(context, settings, parcel, None, destinations) if gated else None
    delivered = deliver(context, parcel, destinations)
    return Packed(
        name=name, tags=filled, content=parcel.content, made=made, delivered=delivered, passed=passed
    )


def _contents(programs: Programs, settings: Settings, files: tuple[FileEntry, ...], aids: Aids) -> Contents:
    return Contents(
        programs=programs,
        certificates=UNKNOWN_CRATES,
        time_zones=NO_ZONES,
        labels=lambda base: labels_of({"title": programs[0].name, **base}, settings.labels),
        files=files,
        aids=aids,
    )


def _groups(request: PackRequest) -> tuple[Programs, ...]:
    """The programs of each image. Raises `UsageError` where an index would hold different images."""
    if not request.platforms:
        return (_programs(request.binaries),)
    if request.binaries:
        raise UsageError(
            f"{request.binaries[0]} has no platform, and others have one",
            hint="give every binary by --platform OS/ARCH=BIN, or none",
        )
    asked: dict[Platform, list[Path]] = {}
    for platform, path in request.platforms:
        asked.setdefault(platform, []).append(path)
    groups = tuple(_programs_for(platform, tuple(paths)) for platform, paths in asked.items())
    for (platform, _), programs in zip(asked.items(), groups, strict=True):
        names, first = ([each.name for each in group] for group in (programs, groups[0]))
        if names != first:
            raise UsageError(
                f"{next(iter(asked))} has {', '.join(first)}, and {platform} has {', '.join(names)}",
                hint="the programs of an index have the same names on all platforms, in the same order",
            )
    return groups


def _programs_for(platform: Platform, paths: tuple[Path, ...]) -> Programs:
    programs = _programs(paths)
    own = programs[0].binary.platform
    if not platform.runs(own):
        raise ImageError(f"{paths[0]} is for {own}, not for {platform}", hint=f"write {own}={paths[0]}")
    return programs


def _programs(paths: tuple[Path, ...]) -> Programs:
    programs = tuple(Program(name=path.name, path=path, binary=read_binary(path)) for path in paths)
    first = programs[0]
    for number, program in enumerate(programs):
        if program.name in {other.name for other in programs[:number]}:
            raise UsageError(f"two binaries are called {program.name}", hint="they would lie in one place")
        platform, wanted = program.binary.platform, first.binary.platform
        if platform != wanted:
            raise ImageError(
                f"{program.path} is for {platform}, and {first.path} is for {wanted}",
                hint=f"for one image of each, write --platform {wanted}={first.path} "
                f"--platform {platform}={program.path}",
            )
    return programs


def _tables(config: Path | None, binary: str) -> tuple[Source, ...]:
    if config is None:
        return ()
    try:
        table: Mapping[str, Any] = tomllib.loads(config.read_text(encoding="utf-8-sig"))
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
