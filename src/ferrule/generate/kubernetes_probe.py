"""Kubernetes' three questions to a pod: a health check goes in, probes come out."""

import math

import msgspec

from ferrule.generate.service import Service
from ferrule.health import Health
from ferrule.probe.place import probe_command

LONGEST_PERIOD = 10
"""Seconds between two questions, and Kubernetes' own default. Docker's thirty are long for a pod that gets
requests while it cannot answer them."""

WHY = {
    "startupProbe": "Until this has succeeded once, the other two are not asked.",
    "readinessProbe": "A pod that is not ready gets no requests, and is not started anew.",
    "livenessProbe": "A pod that does not answer this is started anew: it never asks the database.",
}


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One of HTTP (`path` and `port`), a command in the image, or a connection to `port`.

    Times in seconds.
    """

    kind: str = ""
    path: str | None = None
    port: int | None = None
    header: tuple[str, str] | None = None
    command: tuple[str, ...] = ()
    period: int = LONGEST_PERIOD
    timeout: int = 5
    failures: int = 3

    @property
    def why(self) -> str:
        """The comment in the manifest."""
        return WHY[self.kind]


def probes(service: Service) -> tuple[Probe, ...]:
    """Readiness is the health check. Liveness is `live`, else a connection: a database that is away is no
    reason to start a program anew. The start waits for liveness, for the same reason."""
    health = service.health or Health()
    ready, alive = _ready(service), _alive(service)
    period = max(1, min(LONGEST_PERIOD, math.ceil(health.interval)))
    times = {"timeout": max(1, math.ceil(health.timeout)), "failures": health.retries, "period": period}
    # Every second, for as long as a program that has started may be silent after its start period.
    patience = max(1, math.ceil(health.start_period)) + health.retries * period
    starting = times | {"period": 1, "failures": patience}
    return (
        *((_asked(alive, "startupProbe", starting),) if alive else ()),
        *((_asked(ready, "readinessProbe", times),) if ready else ()),
        *((_asked(alive, "livenessProbe", times),) if alive else ()),
    )


def _asked(probe: Probe, kind: str, times: dict[str, int]) -> Probe:
    return msgspec.structs.replace(probe, kind=kind, **times)


def _ready(service: Service) -> Probe | None:
    health, port = service.health, service.health_port
    if health is not None and health.command:
        return Probe(command=tuple(map(unexpanded, health.command)))
    if port is None:
        return None
    if health is None or health.path is None:
        return Probe(port=port)
    if health.expect is not None:
        # The kubelet takes every status from 200 to 399; the image's own probe takes the one.
        return Probe(command=tuple(map(unexpanded, probe_command(health, port))))
    return Probe(path=health.path, port=port, header=_header(health))


def _alive(service: Service) -> Probe | None:
    health, port = service.health, service.health_port
    if port is None:
        return None
    if health is not None and health.live is not None:
        return Probe(path=health.live, port=port, header=_header(health))
    return Probe(port=port)


def _header(health: Health) -> tuple[str, str] | None:
    name, colon, value = (health.header or "").partition(":")
    return (name, value.strip()) if colon else None


def unexpanded(word: str) -> str:
    """Kubernetes puts variables in for `$(NAME)`, and takes `$$` for a dollar."""
    return word.replace("$", "$$")
