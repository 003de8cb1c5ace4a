"""Static or dynamic: what build scripts and crates say, and what an earlier build found out."""

import hashlib
import json
from pathlib import Path

import msgspec

from ferrule.atomic import appearing
from ferrule.cargo.messages import Message
from ferrule.cargo.plan import BuildPlan

ALWAYS_THERE = frozenset(("c", "m", "dl", "rt", "pthread", "util", "gcc", "gcc_s", "gcc_eh", "stdc++"))
"""Libraries that a C toolchain brings in a static form."""

OPENS_LIBRARIES = frozenset(("libloading",))
"""Crates that load shared libraries at run time: a static program has nothing to load them with."""

NOTHING_SHARED = "nothing in the graph needs a shared library at run time"


class LinkChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A link mode ("static" or "dynamic") and the reason that is printed behind it."""

    mode: str
    reason: str


def objection(message: Message, triple: str) -> str | None:
    """Why the unit in a message keeps the program from being static, or None."""
    if not message.is_for(triple):
        return None
    name = message.package.name
    if message.reason == "build-script-executed":
        libraries = sorted({library for raw in message.linked_libs if (library := _system_library(raw))})
        return f"{name} links the system's {' and '.join(libraries)}" if libraries else None
    if message.reason == "compiler-artifact" and name in OPENS_LIBRARIES:
        return f"{name} loads shared libraries at run time"
    return None


def _system_library(raw: str) -> str | None:
    """The name in `kind[:modifiers]=name`, unless it is linked statically or always there."""
    kind, equals, name = raw.rpartition("=")
    if equals and kind.partition(":")[0] == "static":
        return None
    return None if name in ALWAYS_THERE else name


class LinkMemory:
    """The choices of earlier builds, so that a wrong guess costs once. A file that is broken is forgotten."""

    MOST = 64

    def __init__(self, folder: Path) -> None:
        self._file = folder / "link.json"

    def recall(self, plan: BuildPlan) -> LinkChoice | None:
        """What the last build of the same lock file, features and toolchain found out."""
        entry = self._read().get(key_of(plan))
        return LinkChoice(mode=entry[0], reason=entry[1]) if entry else None

    def remember(self, plan: BuildPlan, choice: LinkChoice) -> None:
        """Keep the choice for the next build."""
        known = self._read()
        key = key_of(plan)
        if known.get(key) == [choice.mode, choice.reason]:
            return
        known.pop(key, None)
        known = dict([*known.items(), (key, [choice.mode, choice.reason])][-self.MOST :])
        with appearing(self._file) as part:
            part.write_text(json.dumps(known, indent=1))

    def _read(self) -> dict[str, list[str]]:
        try:
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        good = isinstance(known, dict) and all(
            isinstance(entry, list) and len(entry) == 2 and all(isinstance(part, str) for part in entry)
            for entry in known.values()
        )
        return known if good else {}


def key_of(plan: BuildPlan) -> str:
    """What the choice depends on: lock file, features, toolchain, flags and the binary."""
    lock = plan.project.workspace.lock_file
    facts = (
        hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
        plan.toolchain.version,
        plan.triple,
        plan.selection.package.name,
        plan.selection.binary,
        *plan.options.feature_flags,
        *plan.rustflags,
    )
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()
