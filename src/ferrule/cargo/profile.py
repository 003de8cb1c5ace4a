"""What ferrule adds to a profile: only what nobody has set."""

import json
import os
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from ferrule.cargo.metadata import Project
from ferrule.cargo.sources import config_files, mentions
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
    chain = _chain(project, name)
    set_keys = (
        {key for table in chain for key in table}
        | _from_environment(name)
        | _from_files(runner, project, name)
    )
    wanted = {None: DEFAULTS, "speed": DEFAULTS + SPEED, "size": DEFAULTS + SIZE, "off": ()}[optimize]
    if set_keys & {"debug", "split-debuginfo"}:
        # Who sets debug information wants to keep it.
        set_keys.add("strip")
    return Profile(
        name=name,
        additions=tuple(Addition(key=k, value=v, reason=why) for k, v, why in wanted if k not in set_keys),
        kept=tuple(k for k, _, _ in wanted if k in set_keys),
    )


def _chain(project: Project, name: str) -> list[Mapping[str, Any]]:
    """The tables of the profile and of all that it inherits from, as the workspace's manifest has them."""
    manifest = project.workspace.workspace_root / "Cargo.toml"
    profiles = tomllib.loads(manifest.read_text(encoding="utf-8-sig")).get("profile", {})
    tables: list[Mapping[str, Any]] = []
    current: str | None = name
    while current is not None and len(tables) <= len(profiles):
        table = profiles.get(current, {})
        if current not in profiles and current not in ("release", "dev", "test", "bench"):
            listed = ", ".join(["release", *(known for known in profiles if known != "release")])
            raise ProjectError(f"there is no profile {current!r} in Cargo.toml", hint=f"there is {listed}")
        tables.append({key: value for key, value in table.items() if key not in ("inherits", "package")})
        current = table.get("inherits")
    return tables


def _from_environment(name: str) -> set[str]:
    prefix = f"CARGO_PROFILE_{name.upper().replace('-', '_')}_"
    return {
        key.removeprefix(prefix).lower().replace("_", "-") for key in os.environ if key.startswith(prefix)
    }


def _from_files(runner: Runner, project: Project, name: str) -> set[str]:
    files = config_files(project.folder)
    if not mentions(files, ("profile", "include")):
        return set()
    # The bootstrap variable opens an unstable query on a stable cargo; it builds nothing.
    argv = ("cargo", "-Zunstable-options", "config", "get", "--format", "json-value", "profile")
    finished = runner.run(Command(argv=argv, cwd=project.folder, env={"RUSTC_BOOTSTRAP": "1"}))
    if not finished.ok:
        return set()
    table = json.loads(finished.stdout).get(name, {})
    return set(table) if isinstance(table, dict) else set()
