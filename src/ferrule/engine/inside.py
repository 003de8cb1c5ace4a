"""A program that is tried out: how strictly it starts, and what can be asked of it while it runs.

The strict start is what a careful cluster gives: a read-only root, no capability, no new privileges, a limit
of memory, and a network with nothing but loopback. The folders that the image declares as volumes, and /tmp,
can be written. Ports below 1024 take a capability, as in Kubernetes; Docker by itself opens them to all.

Without control groups for memory (Podman without root on their first version) the engine says so and sets no
limit. The sandbox needs none: see `sandbox_guard`.
"""

from typing import Protocol

import msgspec

MEMORY = 512 << 20
"""Bytes that a program may use, unless it is said otherwise."""

EXECUTION_FAILED = 125
"""The exit code of a command that could not be started, as engines have it."""


class Strict(msgspec.Struct, frozen=True, kw_only=True):
    """How a program starts when it is tried out.

    `memory` in bytes. `capabilities` are those that its file gives it: with some, new privileges are allowed,
    since the kernel would not give them otherwise. `user` replaces the image's. `writable` leaves the root as
    it is, so that what the program writes can be seen. `host_network` gives it this machine's network, with
    the database that is there.
    """

    memory: int = MEMORY
    capabilities: tuple[str, ...] = ()
    user: str = ""
    writable: bool = False
    host_network: bool = False

    @property
    def network(self) -> str:
        """As engines name it."""
        return "host" if self.host_network else "none"


class Executed(msgspec.Struct, frozen=True, kw_only=True):
    """A command that ran inside. `code` is None when it took too long and was given up."""

    code: int | None
    output: str


class Inside(Protocol):
    """A running program, seen from beside it."""

    def process(self) -> int | None:
        """The number that its process 1 has on this machine. None when it is gone, or runs on another."""
        ...

    def execute(self, argv: tuple[str, ...], seconds: float) -> Executed:
        """Run a command of the image inside: same root, user, variables, folder and network.

        A command that cannot be started has the code 125, 126 or 127.
        """
        ...

    def written(self) -> tuple[str, ...]:
        """The paths of the root that the program has made, changed or removed; none of a read-only one."""
        ...

    def out_of_memory(self) -> bool:
        """Whether it was ended because it used more than its limit; to be asked after an end of its own."""
        ...
