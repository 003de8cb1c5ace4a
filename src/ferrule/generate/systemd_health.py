"""A watch over a service without a container: a health check goes in, a timer and what it starts come out."""

import math

from ferrule.generate.hardening import hardening
from ferrule.generate.service import Service
from ferrule.generate.template import Written, render
from ferrule.generate.unit import unit_line, unit_word

PAUSE = 2
"""Seconds between two tries."""


def health_units(service: Service) -> dict[str, str]:
    """The ends of two units' names and their texts, for a service with `live`; none for any other.

    Only who does not answer `live` is to be started anew. The health path may ask the database, and a
    connection is taken by the kernel for a program that hangs.
    """
    health, port = service.health, service.health_port
    if health is None or health.live is None or port is None:
        return {}
    timeout = max(1, math.ceil(health.timeout))
    facts = {
        "program": Written(unit_line(service.name)),
        "unit": Written(unit_word(f"{service.name}.service")),
        "timer": Written(unit_word(f"{service.name}-health.timer")),
        "port": port,
        "path": Written(unit_word(health.live)),
        "header": Written(unit_word(health.header or "Host: localhost")),
        "timeout": timeout,
        "pause": PAUSE,
        "retries": health.retries,
        "longest": health.retries * (timeout + PAUSE) + timeout,
        "interval": max(1, math.ceil(health.interval)),
        "start_period": max(1, math.ceil(health.start_period)),
        "hardening": Written(hardening()),
    }
    return {f"-health.{end}": render(f"systemd-health.{end}", **facts) for end in ("service", "timer")}
