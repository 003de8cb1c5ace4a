"""What the user asked for: flags and `[package.metadata.ferrule]` tables go in, one `Settings` comes out."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

import msgspec

from ferrule.capability import parse_capability
from ferrule.contract import Variable, parse_variable
from ferrule.errors import InvalidValueError, ProjectError, UsageError
from ferrule.values import (
    PROGRAM_FOLDER,
    FileCopy,
    Health,
    Port,
    User,
    parse_file,
    parse_folder,
    parse_glibc,
    parse_health,
    parse_library,
    parse_migrations,
    parse_port,
    parse_signal,
    parse_user,
    parse_volume,
)

LINKS = ("auto", "static", "dynamic", "musl")
OPTIMIZATIONS = ("speed", "size", "off")
MIGRATIONS_FOLDER = PROGRAM_FOLDER / "migrations"
DEFAULT_STOP_SIGNAL = "SIGTERM"

T = TypeVar("T")


class Table(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """One source of settings, still in the words of TOML; what is None was not said.

    Flags make one of these too, so that every source is merged by the same rule.
    """

    image: str | None = None
    link: str | None = None
    platforms: tuple[str, ...] | None = None
    glibc: str | None = None
    base: str | None = None
    donor: str | None = None
    libraries: tuple[str, ...] | None = None
    optimize: str | None = None
    args: tuple[str, ...] | None = None
    ports: tuple[int | str, ...] | None = None
    health: Mapping[str, Any] | None = None
    files: tuple[Mapping[str, Any] | str, ...] | None = None
    migrations: str | bool | None = None
    volumes: tuple[str, ...] | None = None
    workdir: str | None = None
    user: str | None = None
    stop_signal: str | None = None
    capabilities: tuple[str, ...] | None = None
    env: Mapping[str, str | dict[str, Any]] | None = None
    labels: Mapping[str, str] | None = None
    verify: bool | None = None


FLAGS = "flags"
"""The origin of what the command line says."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A table and the words for where it stands, as errors and reasons name it."""

    table: Table
    origin: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about the image that can be asked for, checked and with defaults filled in.

    `files` has the folder of `migrations` too, which is None where nobody said and False for none at all.
    `contract` is all that is known of variables, and `env` those of them that have a value in the image.
    `origins` says for each key that was set who set it: "--base", "package.metadata.ferrule", ….
    """

    image: str | None
    link: str
    platforms: tuple[str, ...]
    glibc: str | None
    base: str
    donor: str | None
    libraries: tuple[str, ...]
    optimize: str | None
    args: tuple[str, ...]
    ports: tuple[Port, ...]
    health: Health | None
    files: tuple[FileCopy, ...]
    migrations: str | Literal[False] | None
    volumes: tuple[PurePosixPath, ...]
    workdir: PurePosixPath
    user: User
    stop_signal: str
    capabilities: tuple[str, ...]
    contract: tuple[Variable, ...]
    env: Mapping[str, str]
    labels: Mapping[str, str]
    verify: bool
    origins: Mapping[str, str] = msgspec.field(default_factory=dict)

    def why(self, key: str, default: str) -> str:
        """The reason to print behind a value: who asked for it, or why it is the default."""
        origin = self.origins.get(key)
        return f"asked for by {origin}" if origin else default


def resolve(sources: tuple[Source, ...]) -> Settings:
    """Merge the sources, the strongest first, and check every value.

    Raises `ProjectError` with the key's path: flags were checked by the command line already.
    """
    said = _merge(sources)
    if "libraries" in said:
        # A static program has no loader that could open them.
        said.setdefault("link", ("dynamic", said["libraries"][1]))

    def value(key: str, parse: Callable[[Any], T], default: T) -> T:
        if key not in said:
            return default
        raw, origin = said[key]
        try:
            return parse(raw)
        except InvalidValueError as error:
            raise ProjectError(f"{origin}.{key}: {error.message}", hint=error.hint) from error

    contract = _contract(sources)
    migrations = value("migrations", parse_migrations, None)
    files: tuple[FileCopy, ...] = value("files", _each(parse_file), ())
    return Settings(
        image=value("image", str, None),
        link=value("link", one_of(LINKS), "auto"),
        platforms=value("platforms", tuple, ()),
        glibc=value("glibc", parse_glibc, None),
        base=value("base", str, "auto"),
        donor=value("donor", str, None),
        libraries=value("libraries", _each(parse_library), ()),
        optimize=value("optimize", one_of(OPTIMIZATIONS), None),
        args=value("args", tuple, ()),
        ports=value("ports", _each(parse_port), ()),
        health=value("health", parse_health, None),
        files=files + ((FileCopy(source=migrations, target=MIGRATIONS_FOLDER),) if migrations else ()),
        migrations=migrations,
        volumes=value("volumes", _each(parse_volume), ()),
        workdir=value("workdir", parse_folder, PROGRAM_FOLDER),
        user=value("user", parse_user, User()),
        stop_signal=value("stop-signal", parse_signal, DEFAULT_STOP_SIGNAL),
        capabilities=value("capabilities", _each(parse_capability), ()),
        contract=contract,
        env={each.name: each.default for each in contract if each.default is not None},
        labels=value("labels", dict, {}),
        verify=value("verify", bool, False),  # noqa: FBT003 - TOML's own
        origins={key: origin for key, (_, origin) in said.items()},
    )


def tables_of(metadata: Mapping[str, Any] | None, path: str, binary: str) -> tuple[Source, ...]:
    """The sources in one `metadata` value of Cargo.toml: `bin.NAME` before the table around it.

    `path` names the table in errors: `package.metadata.ferrule` or `workspace.metadata.ferrule`.
    """
    table = (metadata or {}).get("ferrule", {})
    if not isinstance(table, Mapping):
        raise ProjectError(f"{path} is not a table", hint=f"write [{path}] and the keys below it")
    table = dict(table)
    binaries = table.pop("bin", {})
    if not isinstance(binaries, Mapping):
        raise ProjectError(f"{path}.bin is not a table", hint=f"write [{path}.bin.NAME]")
    parsed = {name: _table(own, f"{path}.bin.{_shown(name)}") for name, own in binaries.items()}
    own = (parsed[binary],) if binary in parsed else ()
    return (*own, _table(table, path))


def one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    """A parser that takes one of the words."""

    def parse(text: str) -> str:
        if text not in choices:
            near = difflib.get_close_matches(text, choices, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InvalidValueError(f"{text!r} is not known", hint=f"{hint}it is one of {', '.join(choices)}")
        return text

    return parse


def _table(raw: object, path: str) -> Source:
    if not isinstance(raw, Mapping):
        raise ProjectError(f"{path} is not a table", hint=f"write [{path}] and the keys below it")
    known = [name.encode_name for name in msgspec.structs.fields(Table)]
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise ProjectError(f"{path}.{_shown(key)} is not a key of ferrule", hint=hint)
    try:
        return Source(table=msgspec.convert(raw, Table), origin=path)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        key = where.rstrip("`") or ""
        raise ProjectError(
            f"{path}{key}: {what[:1].lower()}{what[1:]}", hint="see the configuration reference"
        ) from error


def _shown(key: str) -> str:
    """A key in an error, which is one line; TOML has keys of any letters, in quotes."""
    return key if key.isprintable() else ascii(key)


def _merge(sources: tuple[Source, ...]) -> dict[str, tuple[Any, str]]:
    said: dict[str, tuple[Any, str]] = {}
    for source in sources:
        for name in msgspec.structs.fields(Table):
            key, raw = name.encode_name, getattr(source.table, name.name)
            if raw is None:
                continue
            if key == "labels" and key in said:
                said[key] = ({**raw, **said[key][0]}, said[key][1])
            elif key not in said:
                said[key] = (raw, source.origin if source.origin != FLAGS else f"--{FLAG_OF.get(key, key)}")
    return said


def _contract(sources: tuple[Source, ...]) -> tuple[Variable, ...]:
    """The variables of all sources, by name: a value over a table is that table's default from then on.

    Raises `UsageError` for what a flag has made wrong, and `ProjectError` for all else.
    """
    merged: dict[str, tuple[Any, str]] = {}
    for source in reversed(sources):
        for name, raw in (source.table.env or {}).items():
            below, _ = merged.get(name, ({}, ""))
            is_value = isinstance(raw, str) and isinstance(below, dict)
            said = {**below, "default": raw, "required": False} if is_value else raw
            merged[name] = (said, source.origin)
    return tuple(_variable(name, *merged[name]) for name in sorted(merged))


def _variable(name: str, raw: Any, origin: str) -> Variable:
    try:
        return parse_variable(name, raw)
    except InvalidValueError as error:
        if origin == FLAGS:
            raise UsageError(f"--env {_shown(name)}: {error.message}", hint=error.hint) from error
        path = f"{origin}.env.{_shown(name)}"
        raise ProjectError(f"{path}: {error.message}", hint=error.hint) from error


FLAG_OF = {
    "ports": "port",
    "files": "file",
    "labels": "label",
    "args": "arg",
    "volumes": "volume",
    "platforms": "platform",
    "libraries": "library",
    "capabilities": "capability",
}


def _each(parse: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    return lambda values: tuple(parse(value) for value in values)


class UserConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the user trusts; never read from the project, which may be a stranger's clone.

    `mirrors` maps a registry host to the one that is asked in its place.
    """

    mirrors: Mapping[str, str] = msgspec.field(default_factory=dict)
    insecure: frozenset[str] = frozenset()
    ca_file: Path | None = None
