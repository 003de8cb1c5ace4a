"""The world that a verb works in, as one value: programs, terminal, cache, and whom the user trusts."""

import os
import re
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ferrule.atomic import is_there
from ferrule.config import UserConfig
from ferrule.errors import InvalidValueError, ProjectError, UsageError
from ferrule.folders import config_file
from ferrule.image.cache import DEFAULT_LIMIT, Cache
from ferrule.image.store import BlobStore
from ferrule.memory import Memory
from ferrule.process import Runner
from ferrule.report import Report
from ferrule.values import parse_mirror, parse_size

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a verb may touch. `cache` is a folder of this user's; `colour` is for cargo's diagnostics.

    `cache_limit` is the most bytes of blobs that stay there after a run. `created` is the time that images
    carry, in seconds since 1970. Who makes a context closes it.
    """

    runner: Runner
    report: Report
    cache: Path
    trust: UserConfig
    cache_limit: int = DEFAULT_LIMIT
    created: int = 0
    colour: bool = False
    _kept: Cache = field(init=False, repr=False, compare=False)
    _made: dict[Hashable, Any] = field(init=False, repr=False, compare=False, default_factory=dict)
    _open: ExitStack = field(init=False, repr=False, compare=False, default_factory=ExitStack)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_kept", Cache(self.cache, limit=self.cache_limit))

    @property
    def store(self) -> BlobStore:
        """The blobs that ferrule keeps between runs; from now until `close` nobody removes any."""
        return self._kept.open()

    def using(self, *, runner: Runner | None = None, report: Report | None = None) -> "Context":
        """The same world with another runner or another report; the cache stays the one that it is."""
        other = replace(self, runner=runner or self.runner, report=report or self.report)
        for name in ("_kept", "_made", "_open"):
            object.__setattr__(other, name, getattr(self, name))
        return other

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes: one for all images of this run."""
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    def keep_open(self, manager: AbstractContextManager[T]) -> T:
        """Enter it; it ends with the run."""
        return self._open.enter_context(manager)

    @property
    def toolchains(self) -> Memory:
        """What toolchains have said of themselves."""
        return Memory(self.cache / "toolchains.json")

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for large files of the moment. If we are killed, a later run removes it."""
        return self._kept.scratch()

    def close(self) -> None:
        """No more blobs are read in this run: what was used longest ago may go. `store` opens them again."""
        self._made.clear()
        self._open.close()
        self._kept.close()


class OwnFile(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    """The user's own `config.toml`."""

    mirrors: dict[str, str] = {}
    insecure: tuple[str, ...] = ()
    ca_file: str | None = None
    cache_size: str | None = None


def trust_of(mirrors: dict[str, str], insecure: frozenset[str]) -> UserConfig:
    """Flags, then FERRULE_*, then the user's own `config.toml`. Raises `ProjectError` when that is broken.

    Names of hosts are in lower case, since they mean the same in both.
    """
    own = _own_file()
    ca_file = os.environ.get("FERRULE_CA_FILE") or own.ca_file
    return UserConfig(
        mirrors={name.lower(): host for name, host in (*own.mirrors.items(), *mirrors.items())},
        insecure=frozenset(name.lower() for name in (*own.insecure, *insecure)),
        ca_file=Path(ca_file) if ca_file else None,
    )


def cache_limit() -> int:
    """Bytes: FERRULE_CACHE_SIZE, then the user's own `config.toml`, then a default."""
    named = os.environ.get("FERRULE_CACHE_SIZE")
    if named:
        try:
            return parse_size(named)
        except InvalidValueError as error:
            raise UsageError(f"FERRULE_CACHE_SIZE: {error.message}", hint=error.hint) from error
    size = _own_file().cache_size
    return DEFAULT_LIMIT if size is None else parse_size(size)


def _own_file() -> OwnFile:
    place = config_file()
    return _read(place) if is_there(place) else OwnFile()


def _read(place: Path) -> OwnFile:
    import tomllib  # hardly anybody has such a file

    try:
        parsed: dict[str, Any] = tomllib.loads(place.read_text(encoding="utf-8-sig"))
        own = msgspec.convert(parsed, OwnFile)
        for source, target in own.mirrors.items():
            parse_mirror(f"{source}={target}")
        if own.cache_size is not None:
            parse_size(own.cache_size)
    except (OSError, ValueError, msgspec.ValidationError, InvalidValueError) as error:
        hint = getattr(error, "hint", "") or "mend the file, or remove it"
        raise ProjectError(f"{place}: {' '.join(str(error).split())}", hint=hint) from error
    return own


def source_date_epoch() -> int:
    """SOURCE_DATE_EPOCH in seconds, or 0: nothing in an image says when it was made unless asked to."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not re.fullmatch(r"[0-9]{1,20}", text) or int(text) >= 1 << 33:
        raise UsageError(f"SOURCE_DATE_EPOCH is {text[:40]!r}", hint="it is a number of seconds since 1970")
    return int(text)
