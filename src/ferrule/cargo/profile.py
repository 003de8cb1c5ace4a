"""What ferrule adds to a profile: only what nobody has set."""

import json
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from ferrule.cargo.metadata import MANIFEST, Project
from ferrule.cargo.sources import config_files, mentions
from ferrule.cargo.toml import read_toml
from ferrule.errors import ProjectError
from ferrule.process import Command, Runner

DEFAULTS: tuple[tuple[str, str, str], ...] = (
    ("codegen-units", "1", "smaller and faster code for a slightly longer build"),
    ("strip", '"symbols"', "symbols are not needed to run"),
)
SPEED: tuple[tuple[str, str, str], ...] = (("lto", '"fat"', "--optimize speed"),)
SIZE: tuple[tuple[str, str, str], ...] = (
    ("lto", '"fat"', "--optimize size"),
    ("opt-level", '"s"', "--optimize size"),
)

INHERITED = {"release": None, "dev": None, "bench": "release", "test": "dev"}
"""cargo's own profiles, and what they inherit from."""


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the profile that ferrule sets, with its TOML value and the reason."""

    key: str
    value: str
    reason: str


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile by name, what ferrule adds to it, and the keys that the project keeps."""

    name: str
    additions: tuple[Addition, ...]
    kept: tuple[str, ...]

    @property
    def flags(self) -> tuple[str, ...]:
        """The `--config` flags for cargo."""
        return tuple(
            part
            for add in self.additions
            for part in ("--config", f"profile.{self.name}.{add.key}={add.value}")
        )


def choose_profile(runner: Runner, project: Project, name: str, optimize: str | None) -> Profile:
    """Decide what to add. A key that the manifest, a configuration file or the environment sets stays.

    Raises `ProjectError` when there is no such profile.
    """
    chain = _chain(_profiles(runner, project), name)
    set_keys = {key for table in chain for key in table}
    wanted = {None: DEFAULTS, "speed": DEFAULTS + SPEED, "size": DEFAULTS + SIZE, "off": ()}[optimize]
    if set_keys & {"debug", "split-debuginfo"}:
        # Who sets debug information wants to keep it.
        set_keys.add("strip")
    return Profile(
        name=name,
        additions=tuple(Addition(key=k, value=v, reason=why) for k, v, why in wanted if k not in set_keys),
        kept=tuple(k for k, _, _ in wanted if k in set_keys),
    )


def _profiles(runner: Runner, project: Project) -> dict[str, dict[str, Any]]:
    """All that are set: by the workspace's manifest, and above it by configuration files."""
    profiles = read_toml(project.workspace.workspace_root / MANIFEST).get("profile", {})
    for name, table in _from_files(runner, project).items():
        profiles[name] = {**profiles.get(name, {}), **table}
    return {**{name: {} for name in INHERITED}, **profiles}


def _chain(profiles: Mapping[str, Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """The tables of the profile and of all that it inherits from, with what the environment sets of each."""
    if name not in profiles:
        listed = ", ".join(
            dict.fromkeys(("release", *(known for known in profiles if known not in INHERITED)))
        )
        raise ProjectError(f"there is no profile {name!r} in Cargo.toml", hint=f"there is {listed}")
    tables: list[Mapping[str, Any]] = []
    current: str | None = name
    while current is not None and current in profiles and len(tables) <= len(profiles):
        own = {**profiles[current], **_from_environment(current)}
        tables.append({key: value for key, value in own.items() if key not in ("inherits", "package")})
        current = own.get("inherits", INHERITED.get(current))
    return tables


def _from_environment(name: str) -> dict[str, str]:
    prefix = f"CARGO_PROFILE_{name.upper().replace('-', '_')}_"
    return {
        key.removeprefix(prefix).lower().replace("_", "-"): value
        for key, value in os.environ.items()
        if key.startswith(prefix)
    }


def _from_files(runner: Runner, project: Project) -> dict[str, dict[str, Any]]:
    files = config_files(project.folder)
    if not mentions(files, ("profile", "include")):
        return {}
    # The bootstrap variable opens an unstable query on a stable cargo; it builds nothing.
    argv = ("cargo", "-Zunstable-options", "config", "get", "--format", "json-value", "profile")
    finished = runner.run(Command(argv=argv, cwd=project.folder, env={"RUSTC_BOOTSTRAP": "1"}))
    found = json.loads(finished.stdout) if finished.ok else {}
    return {name: table for name, table in found.items() if isinstance(table, dict)}
