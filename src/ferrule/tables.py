"""What stands in `[package.metadata.ferrule]` goes in, tables of which every key is known come out."""

import difflib
import re
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
        raise _wrong_type(str(error), raw, path) from error


TYPES = {
    "array": "a list",
    "object": "a table",
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
"""What msgspec calls a type → what TOML calls it."""


def _wrong_type(said: str, raw: Mapping[str, Any], path: str) -> ProjectError:
    """Of "Expected `array | null`, got `str` - at `$.ports`"; `[...]` or `[1]` behind it is one in it."""
    found = re.fullmatch(
        r"Expected `([^`]+)`, got `([^`]+)` - at `\$\.([^`.\[]+)(\[(?:\.\.\.|[0-9]+)\])?.*`", said
    )
    if found is None:
        what, _, key = said.partition(" - at `$")
        what = f"{what[:1].lower()}{what[1:]}"
        return ProjectError(f"{path}{key.rstrip('`')}: {what}", hint="see the configuration reference")
    takes, got, key, within = found.groups()
    value, where = raw[key], ""
    if within:
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
        name, value = next(((name, each) for name, each in pairs if _type_of(each) == got), ("", value))
        where = f".{shown_key(name)}" if isinstance(name, str) else f"[{name}]"
    names = [TYPES.get(name, name) for name in takes.split(" | ") if name != "null"]
    hint = "see the configuration reference"
    if "array" in takes and got in ("str", "int"):
        hint = f"put it into brackets, like {key} = [{_as_toml(value)}]"
    elif "str" in takes and "int" not in takes and got in ("int", "float", "bool"):
        hint = f'put it into quotes, like "{_as_toml(value)}"'
    return ProjectError(
        f"{path}.{key}{where}: it takes {' or '.join(names)}, and this is {TYPES.get(got, got)}", hint=hint
    )


def _type_of(value: object) -> str:
    """As msgspec calls it."""
    names = {dict: "object", list: "array", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def _as_toml(value: object) -> str:
    """A plain value as it stands in TOML, which has these of JSON."""
    return msgspec.json.encode(value).decode()


def shown_key(key: str) -> str:
    """A key in an error, which is one line; TOML has keys of any letters, in quotes."""
    return key if key.isprintable() else ascii(key)
