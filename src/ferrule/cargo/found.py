"""Which configuration cargo finds for a project: each setting with the file or variable that it stands in.

Values are shown of those settings alone that hold flags, paths and choices. Of all others the name must do:
tokens stand in registries, passwords in the addresses of proxies, anything at all in `[env]`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ferrule.cargo.flags import SEPARATOR, toml_string
from ferrule.cargo.metadata import MANIFEST, Project
from ferrule.cargo.rustup import TOOLCHAIN_FILES
from ferrule.cargo.sources import config_files
from ferrule.cargo.toml import read_toml
from ferrule.errors import ProjectError

SHOWN_KEYS = re.compile(
    r"profile\..*|(?:.*\.)?rustflags"
    r"|build\.(?:target|target-dir|build-dir|jobs|incremental|rustc|rustc-wrapper|rustc-workspace-wrapper)"
    r"|target\..*\.(?:linker|runner)|include|toolchain\..*"
)
OF_C = r"(?:(?:HOST|TARGET)_)?(?:CC|CXX|AR|CFLAGS|CXXFLAGS)(?:_\w+)?"
VARIABLES = re.compile(rf"CARGO_.+|RUSTFLAGS|RUSTC(?:_\w+)?|RUSTUP_TOOLCHAIN|{OF_C}")
SHOWN_VARIABLES = re.compile(
    r"(?:CARGO_(?:ENCODED_|BUILD_|TARGET_\w+_)?)?RUSTFLAGS|CARGO_TARGET_\w+_(?:LINKER|RUNNER)"
    r"|CARGO_(?:BUILD_)?TARGET(?:_DIR)?|CARGO_BUILD_(?:BUILD_DIR|JOBS|RUSTC\w*)|CARGO_(?:INCREMENTAL|HOME)"
    rf"|CARGO_PROFILE_\w+|RUSTC|RUSTC_(?:WORKSPACE_)?WRAPPER|RUSTUP_TOOLCHAIN|{OF_C}"
)
UNQUOTED = re.compile(r"[A-Za-z0-9_-]+")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. `source` is a file, or "the environment"; `value` is TOML, None where unsaid."""

    name: str
    value: str | None
    source: str

    @property
    def text(self) -> str:
        """The setting for a person."""
        return self.name if self.value is None else f"{self.name} = {self.value}"


def found_configuration(project: Project, environ: Mapping[str, str] = os.environ) -> tuple[Found, ...]:
    """All that is set: variables, then files from the nearest on, then the profiles of Cargo.toml.

    The first one wins. A toolchain comes last: rustup chooses it before cargo starts.
    """
    manifest = project.workspace.workspace_root / MANIFEST
    profiles = {"profile": _parsed(manifest).get("profile", {})}
    return (
        *_variables(environ),
        *(each for path in config_files(project.folder) for each in _file(path, frozenset())),
        *_settings(profiles, str(manifest)),
        *_toolchain(project.folder),
    )


def _variables(environ: Mapping[str, str]) -> Iterator[Found]:
    for name in sorted(environ):
        if VARIABLES.fullmatch(name):
            shown = SHOWN_VARIABLES.fullmatch(name)
            value = toml_string(environ[name].replace(SEPARATOR, " ")) if shown else None
            yield Found(name=name, value=value, source="the environment")


def _file(path: Path, above: frozenset[Path]) -> Iterator[Found]:
    """The settings of a file, then those of the files that it includes."""
    parsed = _parsed(path)
    yield from _settings(parsed, str(path))
    included = parsed.get("include", ())
    for each in (included,) if isinstance(included, str) else included:
        name = each.get("path") if isinstance(each, Mapping) else each
        if isinstance(name, str) and path not in above:
            yield from _file(path.parent / name, above | {path})


def _settings(table: Mapping[str, Any], source: str, prefix: str = "") -> Iterator[Found]:
    for key, value in table.items():
        name = prefix + (key if UNQUOTED.fullmatch(key) else f"'{key}'")
        if isinstance(value, Mapping):
            yield from _settings(value, source, f"{name}.")
        else:
            shown = SHOWN_KEYS.fullmatch(name)
            yield Found(name=name, value=_toml(value) if shown else None, source=source)


def _toolchain(folder: Path) -> Iterator[Found]:
    """The nearest of rustup's files; an old one holds nothing but the toolchain's name."""
    places = (parent / name for parent in (folder, *folder.parents) for name in TOOLCHAIN_FILES)
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return
    parsed = _parsed(path)
    if not parsed and path.suffix == "":
        parsed = {"toolchain": {"channel": path.read_text(errors="replace").strip()}}
    yield from _settings(parsed, str(path))


def _parsed(path: Path) -> dict[str, Any]:
    """Empty where cargo would have complained before, or will."""
    try:
        return read_toml(path)
    except ProjectError:
        return {}


def _toml(value: Any) -> str:
    """A value in one line, as it may stand in a file."""
    if isinstance(value, str):
        return toml_string(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return str(value)
