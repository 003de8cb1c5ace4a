"""What stands in `[package.metadata.ferrule]` goes in, tables of which every key is known come out."""

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from ferrule.errors import ProjectError


class Table(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """One source of settings, still in the words of TOML; what is None was not said.

    Flags make one of these too, so that every source is merged by the same rule.
    """

    image: str | None = None
    link: str | None = None
    allocator: str | None = None
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
    migrate: Mapping[str, Any] | None = None
    database: Mapping[str, Any] | None = None
    volumes: tuple[str, ...] | None = None
    workdir: str | None = None
    user: str | None = None
    stop_signal: str | None = None
    init: bool | None = None
    include_bins: tuple[str, ...] | None = None
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
    parsed = {name: _table(own, f"{path}.bin.{shown_key(name)}") for name, own in binaries.items()}
    own = (parsed[binary],) if binary in parsed else ()
    return (*own, _table(table, path))


def _table(raw: object, path: str) -> Source:
    if not isinstance(raw, Mapping):
        raise ProjectError(f"{path} is not a table", hint=f"write [{path}] and the keys below it")
    known = [name.encode_name for name in msgspec.structs.fields(Table)]
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise ProjectError(f"{path}.{shown_key(key)} is not a key of ferrule", hint=hint)
    try:
        return Source(table=msgspec.convert(raw, Table), origin=path)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        key = where.rstrip("`") or ""
        raise ProjectError(
            f"{path}{key}: {what[:1].lower()}{what[1:]}", hint="see the configuration reference"
        ) from error


def shown_key(key: str) -> str:
    """A key in an error, which is one line; TOML has keys of any letters, in quotes."""
    return key if key.isprintable() else ascii(key)
