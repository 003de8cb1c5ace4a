"""What ferrule tells the process that becomes the sandbox, and what that tells back: JSON both ways."""

import json
from typing import NamedTuple

MOUNT_POINTS = ("proc", "dev")
"""Real folders that the root must have before it is told."""


class SandboxSpec(NamedTuple):  # a dataclass would take a fourth of the time to start
    """A program to run in an unpacked root: `root` in the folder `place`, see `sandbox_record`.

    `env` is the whole environment, NAME=VALUE. `mounts` are (source or empty, target, read-only).
    `stop_signal` is a number, `grace` in seconds. With `as_user` we are not root: our own ids appear inside
    as `uid` and `gid`, in a user namespace. `capabilities` are the numbers of those that the program's file
    may give it; without any, no file gives anything. `parent` is the process that waits for the end, 0 when
    none does. `watched`: somebody looks at it while it runs. `alone`: in a network namespace with loopback
    and nothing else. `joins` is the process whose network it shares, 0 for none. `memory` is the limit in
    bytes, 0 for none.
    """

    place: str
    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    as_user: bool
    stop_signal: int
    grace: float
    mounts: tuple[tuple[str, str, bool], ...]
    capabilities: tuple[int, ...]
    parent: int
    watched: bool = False
    alone: bool = False
    read_only: bool = False
    memory: int = 0
    joins: int = 0

    def to_json(self) -> bytes:
        """As it travels to the process."""
        return json.dumps(self._asdict()).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "SandboxSpec":
        """What `to_json` made; it comes from ourselves and is trusted."""
        fields = json.loads(data)
        for name in ("argv", "env", "groups", "mounts", "capabilities"):
            fields[name] = tuple(fields[name])
        return cls(**fields)


class SandboxFailure(NamedTuple):
    """Why the program did not start. `of_image`: the image is wrong, else this machine does not allow it."""

    message: str
    hint: str
    of_image: bool

    def to_json(self) -> bytes:
        """As it travels back."""
        return json.dumps(self._asdict()).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "SandboxFailure":
        """What `to_json` made."""
        return cls(**json.loads(data))


class StartError(Exception):
    """The program cannot be started; never leaves the process that would become it."""

    def __init__(self, message: str, *, hint: str = "", of_image: bool = True) -> None:
        super().__init__(message)
        self.failure = SandboxFailure(message=message, hint=hint, of_image=of_image)
