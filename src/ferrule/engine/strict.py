"""What the engines have in common when a program is tried out: settings of its network, and its image."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from ferrule.errors import EngineError
from ferrule.oci.image_config import RunConfig

TMP = "/tmp"  # noqa: S108 - the program's, not ours

SYSCTLS: Mapping[str, str] = MappingProxyType(
    {
        # Docker opens the ports below 1024 to everybody, most clusters do not.
        "net.ipv4.ip_unprivileged_port_start": "1024",
        # Docker turns ::1 off where a network has no address of the sixth version.
        "net.ipv6.conf.all.disable_ipv6": "0",
    }
)


def run_config_of(engine: str, found: object) -> RunConfig:
    """How an engine says that a container of an image starts: Docker's form, with nulls in it."""
    said = found if isinstance(found, Mapping) else None
    try:
        given = {key: value for key, value in (said or {}).items() if value is not None}
        if said is not None:
            return msgspec.convert(given, RunConfig)
    except msgspec.ValidationError as error:
        raise EngineError(f"{engine}'s answer about the image cannot be read: {error}") from error
    raise EngineError(f"{engine}'s answer about the image cannot be read")
