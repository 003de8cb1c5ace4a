"""What ECS on Fargate is told: a service goes in, requests to its API come out, as the AWS CLI reads them.

They are YAML, which the CLI's second version takes as it takes JSON: JSON has no comments, so neither reasons
nor our marks. What differs from account to account is a flag beside the file.
"""

import math

import msgspec

from ferrule.generate.check import check_words
from ferrule.generate.given import variables_of, volumes_of
from ferrule.generate.service import Draft, Service
from ferrule.generate.template import render

KIND = "ecs"
FOLDER = "deploy/ecs"
PROCESSORS = {"linux/amd64": "X86_64", "linux/arm64": "ARM64"}
"""Platform → what Fargate calls its processor. It has no others."""

DOCKER_CAPABILITIES = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
    *("NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
"""What a container has where nobody drops any. Fargate adds none to these but SYS_PTRACE."""

ADDED = ("SYS_PTRACE",)
PROTOCOLS = ("tcp", "udp")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A container's health check, within the bounds of the API. Times in seconds."""

    command: tuple[str, ...]
    interval: int
    timeout: int
    retries: int
    start: int


def drafts(service: Service) -> tuple[Draft, ...]:
    """The task definition, the service, and the run that migrates where there is one."""
    names = ("migrate",) if service.migrate is not None else ()
    facts = {
        "service": service,
        "image": service.reference,
        "processor": next(filter(None, map(PROCESSORS.get, service.platforms)), "X86_64"),
        "ports": [port for port in service.ports if port.protocol in PROTOCOLS],
        "others": len([port for port in service.ports if port.protocol not in PROTOCOLS]),
        "lowest_port": service.lowest_port,
        "secrets": [each for each in variables_of(service) if each.required],
        "optional": [each for each in variables_of(service) if not each.required],
        "volumes": volumes_of(service),
        "needs_tmp": "/tmp" not in service.volumes,  # noqa: S108 - a folder of the image
        "check": _check(service),
        "dropped": _dropped(service),
        "added": [name for name in service.capabilities if name in ADDED],
        "missing": ", ".join(
            name for name in service.capabilities if name not in (*DOCKER_CAPABILITIES, *ADDED)
        ),
    }
    return tuple(
        Draft(kind=KIND, path=f"{FOLDER}/{name}.yaml", text=render(f"{KIND}/{name}.yaml", **facts))
        for name in ("task-definition", "service", *names)
    )


def _check(service: Service) -> Check | None:
    """ECS replaces a task that fails its one check, so that it asks for `live` where there is one."""
    health = service.health
    if health is None:
        return None
    timeout = _within(2, health.timeout, 60)
    command = check_words(service, timeout=timeout)
    if not command:
        return None
    return Check(
        command=command,
        interval=_within(5, health.interval, 300),
        timeout=timeout,
        retries=_within(1, health.retries, 10),
        start=_within(0, health.start_period, 300),
    )


def _dropped(service: Service) -> tuple[str, ...]:
    """All, or one by one those that the program's file has not: what is dropped by ALL comes back by none."""
    kept = [name for name in service.capabilities if name in DOCKER_CAPABILITIES]
    return tuple(name for name in DOCKER_CAPABILITIES if name not in kept) if kept else ("ALL",)


def _within(least: int, seconds: float, most: int) -> int:
    return max(least, min(most, math.ceil(seconds)))
