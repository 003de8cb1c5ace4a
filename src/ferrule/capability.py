"""Linux's capabilities: their names, and the form in which a file carries them. capabilities(7)."""

import difflib
import struct
from collections.abc import Iterable

from ferrule.errors import InvalidValueError

ATTRIBUTE = "security.capability"
"""The extended attribute of a file."""
ATTRIBUTE_RECORD = f"SCHILY.xattr.{ATTRIBUTE}"
"""The key of a pax record that carries it in a layer: OCI, section File Attributes."""

NAMES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *(
        "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_ADMIN",
        "NET_RAW",
        "IPC_LOCK",
        "IPC_OWNER",
    ),
    *(
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_CHROOT",
        "SYS_PTRACE",
        "SYS_PACCT",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_NICE",
    ),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL"),
    *("SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ"),
    *("PERFMON", "BPF", "CHECKPOINT_RESTORE"),
)
"""By their numbers, from 0: linux/capability.h."""

PREFIX = "CAP_"
EFFECTIVE = 1
REVISIONS = {1: 12, 2: 20, 3: 24}
"""Revision of `struct vfs_cap_data` → its bytes. The third has the owner of a user namespace behind."""


def parse_capability(text: str) -> str:
    """`NET_BIND_SERVICE`, also as `CAP_NET_BIND_SERVICE` and in small letters."""
    name = text.upper().removeprefix(PREFIX)
    if name not in NAMES:
        holding = [known for known in NAMES if name and name in known]
        near = holding or difflib.get_close_matches(name, NAMES, 1)
        hint = f"did you mean {near[0]}?" if near else "the names are in capabilities(7), without CAP_"
        raise InvalidValueError(f"{text!r} is not a capability of Linux", hint=hint)
    return name


def to_attribute(names: Iterable[str]) -> bytes:
    """The value of a file's attribute, revision 2: what the program may do, and does from its start."""
    permitted = sum(1 << NAMES.index(name) for name in set(names))
    low, high = permitted & 0xFFFFFFFF, permitted >> 32
    return struct.pack("<5I", 2 << 24 | EFFECTIVE, low, 0, high, 0)


def from_attribute(value: bytes) -> tuple[str, ...]:
    """What an attribute permits, by number where our list ends; `ValueError` for what Linux refuses."""
    revision = value[3] if len(value) > 3 else 0
    if REVISIONS.get(revision) != len(value):
        raise ValueError("a capability record in it is damaged")
    low, _, high = struct.unpack("<3I", (value[4:16] if revision > 1 else value[4:12] + bytes(4)))
    permitted = low | high << 32
    return tuple(
        NAMES[number] if number < len(NAMES) else str(number)
        for number in range(64)
        if permitted >> number & 1
    )
