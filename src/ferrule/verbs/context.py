"""The world that a verb works in, as one value: programs, terminal, cache, and whom the user trusts."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ferrule.config import UserConfig
from ferrule.errors import InvalidValueError, ProjectError, UsageError
from ferrule.image.store import BlobStore
from ferrule.process import Runner
from ferrule.report import Report
from ferrule.values import parse_mirror


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a verb may touch. `cache` is a folder of this user's; `colour` is for cargo's diagnostics.

    `created` is the time that images carry, in seconds since 1970.
    """

    runner: Runner
    report: Report
    cache: Path
    trust: UserConfig
    created: int = 0
    colour: bool = False

    @property
    def store(self) -> BlobStore:
        """The blobs that ferrule keeps between runs."""
        return BlobStore(self.cache / "blobs")


def cache_folder() -> Path:
    """FERRULE_CACHE_DIR, or `ferrule` in the user cache folder; nobody else may read it."""
    import platformdirs

    named = os.environ.get("FERRULE_CACHE_DIR")
    folder = Path(named) if named else platformdirs.user_cache_path("ferrule")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"cannot make the cache {folder}: {error.strerror}", hint="set FERRULE_CACHE_DIR"
        ) from error
    return folder.absolute()


class OwnFile(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    """The user's own `config.toml`."""

    mirrors: dict[str, str] = {}
    insecure: tuple[str, ...] = ()
    ca_file: str | None = None


def trust_of(mirrors: dict[str, str], insecure: frozenset[str]) -> UserConfig:
    """Flags, then FERRULE_*, then the user's own `config.toml`. Raises `ProjectError` when that is broken."""
    import platformdirs

    place = platformdirs.user_config_path("ferrule") / "config.toml"
    own = _read(place) if place.is_file() else OwnFile()
    ca_file = os.environ.get("FERRULE_CA_FILE") or own.ca_file
    return UserConfig(
        mirrors={**own.mirrors, **mirrors},
        insecure=frozenset(own.insecure) | insecure,
        ca_file=Path(ca_file) if ca_file else None,
    )


def _read(place: Path) -> OwnFile:
    try:
        parsed: dict[str, Any] = tomllib.loads(place.read_text(encoding="utf-8"))
        own = msgspec.convert(parsed, OwnFile)
        for source, target in own.mirrors.items():
            parse_mirror(f"{source}={target}")
    except (OSError, ValueError, msgspec.ValidationError, InvalidValueError) as error:
        raise ProjectError(
            f"{place}: {' '.join(str(error).split())}", hint="mend the file, or remove it"
        ) from error
    return own


def source_date_epoch() -> int:
    """SOURCE_DATE_EPOCH in seconds, or 0: nothing in an image says when it was made unless asked to."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isdigit() or int(text) >= 1 << 33:
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}", hint="it is a number of seconds since 1970")
    return int(text)
