"""The one health check of an engine that starts a program anew when it fails."""

import msgspec

from ferrule.generate.service import Service
from ferrule.probe.place import probe_command


def check_words(service: Service, *, timeout: float | None = None) -> tuple[str, ...]:
    """Its command in the image: for `live` where there is one, else for the health check; empty without.

    `timeout` in seconds is the check's where the engine has bounds of its own.
    """
    health, port = service.health, service.health_port
    if health is None or health.command or port is None:
        return health.command if health else ()
    if timeout is not None:
        health = msgspec.structs.replace(health, timeout=timeout)
    if health.live is not None:
        health = msgspec.structs.replace(health, path=health.live, expect=None)
    return probe_command(health, port)
