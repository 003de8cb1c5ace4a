"""How a container of the image starts: the settings over what the base says."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ferrule.config import Settings
from ferrule.oci.image_config import HealthCheck, RunConfig
from ferrule.probe.place import init_command, probe_command

if TYPE_CHECKING:
    from ferrule.verbs.aids import Aids

HEALTH_PATH = "ferrule.health.path"
HEALTH_PORT = "ferrule.health.port"
HEALTH_EXPECT = "ferrule.health.expect"
HEALTH_HEADER = "ferrule.health.header"
HEALTH_LIVE = "ferrule.health.live"
OURS = "ferrule."
"""Labels that say something of a program: of the base's, where ferrule has made that too."""
SECOND = 1_000_000_000


def run_config(
    settings: Settings,
    *,
    below: RunConfig,
    program: PurePosixPath,
    variables: Mapping[str, str],
    labels: Mapping[str, str],
    aids: "Aids",
) -> RunConfig:
    """Merge: variables, ports, volumes and labels of the base stay unless the settings replace them by name.

    The base's own command, its health check and ferrule's labels go: they are about its program, not about
    ours.
    """
    kept = {name: value for name, value in (below.labels or {}).items() if not name.startswith(OURS)}
    env = {**_pairs(below.env), **variables, **settings.env}
    volumes = {**(below.volumes or {}), **{str(path): {} for path in settings.volumes}}
    ports = {**(below.exposed_ports or {}), **{str(port): {} for port in settings.ports}}
    return RunConfig(
        user=str(settings.user),
        exposed_ports=ports or None,
        env=tuple(f"{name}={value}" for name, value in env.items()) or None,
        entrypoint=init_command(program) if aids.init else (str(program),),
        cmd=settings.args or None,
        volumes=volumes or None,
        working_dir=str(settings.workdir),
        labels={**kept, **health_labels(settings), **labels} or None,
        stop_signal=settings.stop_signal,
        healthcheck=_health_check(settings, aids),
    )


def _health_check(settings: Settings, aids: "Aids") -> HealthCheck | None:
    """Docker's form, in nanoseconds; None where nothing in the image could ask."""
    health, port = settings.health, settings.health_port
    if health is None:
        return None
    if health.command:
        test = health.command
    elif aids.probe and port is not None:
        test = probe_command(health, port)
    else:
        return None
    return HealthCheck(
        test=("CMD", *test),
        interval=round(health.interval * SECOND),
        timeout=round(health.timeout * SECOND),
        start_period=round(health.start_period * SECOND),
        retries=health.retries,
    )


def health_labels(settings: Settings) -> dict[str, str]:
    """OCI has no word for a health path, so that `ferrule run --wait` finds it in labels of ours."""
    health, port = settings.health, settings.health_port
    if health is None or health.command or port is None:
        return {}
    said = {
        HEALTH_PATH: health.path,
        HEALTH_PORT: port,
        HEALTH_EXPECT: health.expect,
        HEALTH_HEADER: health.header,
        HEALTH_LIVE: health.live,
    }
    return {label: str(value) for label, value in said.items() if value is not None}


def _pairs(env: tuple[str, ...] | None) -> dict[str, str]:
    split = (pair.partition("=") for pair in env or ())
    return {name: value for name, _, value in split}
