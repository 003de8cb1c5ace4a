"""What the user asked for: flags and `[package.metadata.ferrule]` tables go in, one `Settings` comes out."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

import msgspec

from ferrule.capability import parse_capability
from ferrule.contract import Variable, parse_variable
from ferrule.database import Database, parse_database, parse_migrate
from ferrule.errors import InvalidValueError, ProjectError, UsageError
from ferrule.health import Health, health_port, parse_health
from ferrule.tables import FLAGS, Source, Table, shown_key
from ferrule.values import (
    PROGRAM_FOLDER,
    FileCopy,
    Port,
    User,
    parse_argument,
    parse_file,
    parse_folder,
    parse_glibc,
    parse_library,
    parse_migrations,
    parse_port,
    parse_signal,
    parse_user,
    parse_volume,
)

LINKS = ("auto", "static", "dynamic", "musl")
ALLOCATORS = ("auto", "system", "mimalloc")
OPTIMIZATIONS = ("speed", "size", "off")
MIGRATIONS_FOLDER = PROGRAM_FOLDER / "migrations"
DEFAULT_STOP_SIGNAL = "SIGTERM"

T = TypeVar("T")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about the image that can be asked for, checked and with defaults filled in.

    `files` has the folder of `migrations` too, which is None where nobody said and False for none at all.
    `migrate` are the arguments that make the program migrate its `database`, None where it has no such.
    `contract` is all that is known of variables, and `env` those of them that have a value in the image.
    `origins` says for each key that was set who set it: "--base", "package.metadata.ferrule", ….
    """

    image: str | None
    link: str
    allocator: str
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
    migrate: tuple[str, ...] | None
    database: Database | None
    volumes: tuple[PurePosixPath, ...]
    workdir: PurePosixPath
    user: User
    stop_signal: str
    init: bool
    include_bins: tuple[str, ...]
    capabilities: tuple[str, ...]
    contract: tuple[Variable, ...]
    env: Mapping[str, str]
    labels: Mapping[str, str]
    verify: bool
    origins: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def health_port(self) -> int | None:
        """Where the health check asks."""
        return health_port(self.health, self.ports)

    def why(self, key: str, default: str) -> str:
        """The reason to print behind a value: who asked for it, or why it is the default."""
        origin = self.origins.get(key)
        return f"asked for by {origin}" if origin else default


def resolve(sources: tuple[Source, ...]) -> Settings:
    """Merge the sources, the strongest first, and check every value.

    Raises `ProjectError` with the key's path: flags were checked by the command line already.
    """
    said = _merge(sources)

    def value(key: str, parse: Callable[[Any], T], default: T) -> T:
        if key not in said:
            return default
        raw, origin = said[key]
        try:
            return parse(raw)
        except InvalidValueError as error:
            raise ProjectError(f"{origin}.{key}: {error.message}", hint=error.hint) from error

    database = value("database", parse_database, None)
    contract = _contract(sources, database)
    migrations = value("migrations", parse_migrations, None)
    files: tuple[FileCopy, ...] = value("files", _each(parse_file), ())
    settings = Settings(
        image=value("image", str, None),
        link=value("link", one_of(LINKS), "auto"),
        allocator=value("allocator", one_of(ALLOCATORS), "auto"),
        platforms=value("platforms", tuple, ()),
        glibc=value("glibc", parse_glibc, None),
        base=value("base", str, "auto"),
        donor=value("donor", str, None),
        libraries=value("libraries", _each(parse_library), ()),
        optimize=value("optimize", one_of(OPTIMIZATIONS), None),
        args=value("args", _each(parse_argument), ()),
        ports=value("ports", _each(parse_port), ()),
        health=value("health", parse_health, None),
        files=files + ((FileCopy(source=migrations, target=MIGRATIONS_FOLDER),) if migrations else ()),
        migrations=migrations,
        migrate=value("migrate", parse_migrate, None),
        database=database,
        volumes=value("volumes", _each(parse_volume), ()),
        workdir=value("workdir", parse_folder, PROGRAM_FOLDER),
        user=value("user", parse_user, User()),
        stop_signal=value("stop-signal", parse_signal, DEFAULT_STOP_SIGNAL),
        init=value("init", bool, False),  # noqa: FBT003 - TOML's own
        include_bins=value("include-bins", tuple, ()),
        capabilities=value("capabilities", _each(parse_capability), ()),
        contract=contract,
        env={each.name: each.default for each in contract if each.default is not None},
        labels=value("labels", dict, {}),
        verify=value("verify", bool, False),  # noqa: FBT003 - TOML's own
        origins={key: origin for key, (_, origin) in said.items()},
    )
    _check_health(settings)
    return settings


def _check_health(settings: Settings) -> None:
    if settings.health is not None and settings.health.path and settings.health_port is None:
        origin = settings.origins["health"]
        where = origin if origin.startswith("--") else f"{origin}.health"
        raise ProjectError(
            f"{where}: nothing says on which port the path is asked",
            hint="set ports = [3000], or give --port 3000",
        )


def one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    """A parser that takes one of the words."""

    def parse(text: str) -> str:
        if text not in choices:
            near = difflib.get_close_matches(text, choices, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InvalidValueError(f"{text!r} is not known", hint=f"{hint}it is one of {', '.join(choices)}")
        return text

    return parse


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
    if "libraries" in said:
        # A static program has no loader that could open them.
        origin = said["libraries"][1]
        named = origin if origin.startswith("--") else f"`libraries` of {origin}"
        said.setdefault("link", ("dynamic", named))
    return said


def _contract(sources: tuple[Source, ...], database: Database | None) -> tuple[Variable, ...]:
    """The variables of all sources, by name: a value over a table is that table's default from then on.

    The URL of the database is one of them, also where none of them says so.

    Raises `UsageError` for what a flag has made wrong, and `ProjectError` for all else.
    """
    merged: dict[str, tuple[Any, str]] = {}
    for source in reversed(sources):
        for name, raw in (source.table.env or {}).items():
            below, _ = merged.get(name, ({}, ""))
            is_value = isinstance(raw, str) and isinstance(below, dict)
            said = {**below, "default": raw, "required": False} if is_value else raw
            merged[name] = (said, source.origin)
    unsaid = (database.variable,) if database is not None and database.url_env not in merged else ()
    known = tuple(_variable(name, *merged[name]) for name in merged)
    return tuple(sorted((*known, *unsaid), key=lambda each: each.name))


def _variable(name: str, raw: Any, origin: str) -> Variable:
    try:
        return parse_variable(name, raw)
    except InvalidValueError as error:
        if origin == FLAGS:
            raise UsageError(f"--env {shown_key(name)}: {error.message}", hint=error.hint) from error
        path = f"{origin}.env.{shown_key(name)}"
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
    "include-bins": "include-bin",
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
