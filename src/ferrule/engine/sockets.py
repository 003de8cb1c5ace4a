"""Who listens where: a process of this machine goes in, the sockets that it listens on come out. proc(5)."""

import ipaddress
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ferrule.engine.processes import sockets_of

INODE = 9
LISTENS = {"tcp": "0A", "udp": "07"}
"""Protocol → the state of a socket that takes what comes; for UDP, one that is bound and has no peer."""


class Socket(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An address that something listens on. `address` is as people write it: `0.0.0.0`, `::1`."""

    protocol: str
    port: int
    address: str

    @property
    def is_local(self) -> bool:
        """Whether only its own container reaches it."""
        return ipaddress.ip_address(self.address).is_loopback

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}" + ("" if self.protocol == "tcp" else f"/{self.protocol}")


def listening(process: int) -> tuple[Socket, ...]:
    """Its own, sorted: others may share its network. Nothing when the process is gone.

    Who may not see which sockets are its own, as a user of Docker may not, is told all.
    """
    try:
        own = sockets_of(process)
    except PermissionError:
        own = None
    except OSError:
        return ()
    if own is not None and not own:
        return ()  # the kernel takes milliseconds for its tables, also where they are short
    return tuple(sorted(set(_all(process, own))))


def _all(process: int, own: frozenset[str] | None) -> Iterator[Socket]:
    for protocol, state in LISTENS.items():
        for table in (protocol, f"{protocol}6"):
            try:
                lines = Path(f"/proc/{process}/net/{table}").read_text(encoding="ascii").splitlines()
            except OSError:
                continue
            for line in lines[1:]:
                fields = line.split()
                if fields[3] == state and (own is None or fields[INODE] in own):
                    address, _, port = fields[1].partition(":")
                    yield Socket(protocol=protocol, port=int(port, 16), address=_address(address))


def _address(text: str) -> str:
    """Words of 32 bits, each in the order of this machine."""
    import socket  # while the program starts there is time for it, and before there is not

    words = (int(text[at : at + 8], 16) for at in range(0, len(text), 8))
    packed = b"".join(struct.pack("<I" if sys.byteorder == "little" else ">I", word) for word in words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed)
