"""Static or dynamic: what build scripts and crates say, and what an earlier build found out."""

import hashlib
import os
from pathlib import Path

import msgspec

from ferrule.cargo.messages import Message
from ferrule.cargo.plan import BuildPlan
from ferrule.cargo.toolchain import version_numbers
from ferrule.memory import Memory

ALWAYS_THERE = frozenset(("c", "m", "dl", "rt", "pthread", "util", "gcc", "gcc_s", "gcc_eh", "stdc++"))
"""Libraries that a C toolchain brings in a static form."""

OPENS_LIBRARIES = ("libloading", "dlopen2", "dlopen", "sharedlib")
"""Crates that load shared libraries at run time: a static program has nothing to load them with."""

LOOKS_UP_BY_ITSELF = (2, 34)
"""The first glibc with the readers of /etc/passwd, /etc/hosts and DNS built in. In a static program an older
one opens them as shared libraries, of its very version: without them no host and no user is found."""

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


def objection_of_libc(version: str) -> str | None:
    """Why this machine's libc (`glibc 2.36`; empty where it is another) makes no static program, or None."""
    name, _, number = version.partition(" ")
    if name != "glibc" or version_numbers(number) >= LOOKS_UP_BY_ITSELF:
        return None
    return f"{version} would look up hosts and users by shared libraries, which 2.34 has built in"


def libc_of_this_machine() -> str:
    """As `getconf GNU_LIBC_VERSION` says it."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return ""


class LinkMemory:
    """The choices of earlier builds, so that a wrong guess costs once."""

    def __init__(self, folder: Path) -> None:
        self._memory = Memory(folder / "link.json")

    def recall(self, plan: BuildPlan) -> LinkChoice | None:
        """What the last build of the same lock file, features and toolchain found out."""
        try:
            return msgspec.convert(self._memory.recall(key_of(plan)), LinkChoice)
        except msgspec.ValidationError:
            return None

    def remember(self, plan: BuildPlan, choice: LinkChoice) -> None:
        """Keep the choice for the next build."""
        self._memory.remember(key_of(plan), msgspec.to_builtins(choice))


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
