"""The verdict on an image, as values: what it says of itself, what was seen of its boots, and the checks."""

import signal
from collections.abc import Mapping
from typing import Any

import msgspec

from ferrule.values import Port
from ferrule.verbs.verify_boot import Boot


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: whether it is as it should be, what was seen, and what to do if not.

    `values` are measures, for machines: seconds, bytes, codes, paths.
    """

    name: str
    ok: bool
    said: str
    hint: str = ""
    values: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """All checks, in the order in which a service goes through them."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether it may be pushed."""
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """Those that are not as they should be."""
        return tuple(check for check in self.checks if not check.ok)


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the image says of itself. `asked` is its health check in words, times are in seconds.

    `version` is the crate's, where there is one. `memory` is the limit in bytes. `host_network`: it had this
    machine's.
    """

    asked: str
    ports: tuple[Port, ...] = ()
    version: str | None = None
    stop_signal: str = "SIGTERM"
    stop: int = signal.SIGTERM
    within: float
    grace: float
    memory: int
    user: str = ""
    capabilities: tuple[str, ...] = ()
    host_network: bool = False


class Trials(msgspec.Struct, frozen=True, kw_only=True):
    """The strict boot, and what was tried when it failed: with a writable root, as root, and with both.

    `without` has a boot for each required variable that was left out.
    """

    strict: Boot
    writable: Boot | None = None
    as_root: Boot | None = None
    with_both: Boot | None = None
    without: Mapping[str, Boot] = msgspec.field(default_factory=dict)
