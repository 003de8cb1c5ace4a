"""A health check in Podman's form: Docker's goes in, the words of `podman create` come out.

Podman forgets the check of an image of OCI's types. Where no systemd runs it has nothing that would ask again
and again, and complains of it at every start: `podman healthcheck run NAME` asks there.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from ferrule.oci.image_config import HealthCheck

SYSTEMD = Path("/run/systemd/system")
"""There while systemd is process 1: sd_booted(3)."""

SECOND = 1_000_000_000


def health_words(check: HealthCheck | None) -> tuple[str, ...]:
    """The flags for a check that is a command without a shell; none for any other."""
    if check is None or len(check.test) < 2 or check.test[0] != "CMD":
        return ()
    command = list(check.test[1:])
    times = {"--health-timeout": check.timeout, "--health-start-period": check.start_period}
    interval = f"{check.interval / SECOND:g}s" if check.interval and SYSTEMD.is_dir() else "disable"
    return (
        # A list of one word would become a line for a shell.
        *("--health-cmd", json.dumps(command) if len(command) > 1 else f"CMD {command[0]}"),
        *("--health-interval", interval),
        *(word for flag, time in times.items() if time for word in (flag, f"{time / SECOND:g}s")),
        *(("--health-retries", str(check.retries)) if check.retries else ()),
    )


def parse_health_check(found: Any) -> HealthCheck | None:
    """What Podman says of an image's check; None where it has none."""
    try:
        return msgspec.convert(found, HealthCheck | None)
    except msgspec.ValidationError:
        return None
