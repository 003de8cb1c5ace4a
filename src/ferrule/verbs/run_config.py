"""How a container of the image starts: the settings over what the base says."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from ferrule.config import Settings
from ferrule.oci.image_config import HealthCheck, RunConfig
from ferrule.values import Health

HEALTH_PATH = "ferrule.health.path"
HEALTH_PORT = "ferrule.health.port"
SECOND = 1_000_000_000
INTERVAL, TIMEOUT, START_PERIOD, RETRIES = 30 * SECOND, 5 * SECOND, 10 * SECOND, 3


def run_config(
    settings: Settings,
    *,
    below: RunConfig,
    program: PurePosixPath,
    variables: Mapping[str, str],
    labels: Mapping[str, str],
) -> RunConfig:
    """Merge: variables, ports, volumes and labels of the base stay unless the settings replace them by name.

    The base's own command and health check go: they are about its program, not about ours.
    """
    env = {**_pairs(below.env), **variables, **settings.env}
    volumes = {**(below.volumes or {}), **{str(path): {} for path in settings.volumes}}
    ports = {**(below.exposed_ports or {}), **{str(port): {} for port in settings.ports}}
    return RunConfig(
        user=str(settings.user),
        exposed_ports=ports or None,
        env=tuple(f"{name}={value}" for name, value in env.items()) or None,
        entrypoint=(str(program),),
        cmd=settings.args or None,
        volumes=volumes or None,
        working_dir=str(settings.workdir),
        labels={**(below.labels or {}), **_health_labels(settings), **labels} or None,
        stop_signal=settings.stop_signal,
        healthcheck=_health_check(settings.health),
    )


def _health_check(health: Health | None) -> HealthCheck | None:
    """Docker's form. A path alone has none yet: an empty image has nothing inside that could ask it."""
    if health is None or not health.command:
        return None
    return HealthCheck(
        test=("CMD", *health.command),
        interval=INTERVAL,
        timeout=TIMEOUT,
        start_period=START_PERIOD,
        retries=RETRIES,
    )


def _health_labels(settings: Settings) -> dict[str, str]:
    """OCI has no word for a health path, so that `ferrule run --wait` finds it in labels of ours."""
    port = health_port(settings)
    if settings.health is None or settings.health.path is None or port is None:
        return {}
    return {HEALTH_PATH: settings.health.path, HEALTH_PORT: str(port)}


def health_port(settings: Settings) -> int | None:
    """Where the health path is asked: the port of the check, else the first TCP port."""
    if settings.health is not None and settings.health.port is not None:
        return settings.health.port
    return next((port.number for port in settings.ports if port.protocol == "tcp"), None)


def _pairs(env: tuple[str, ...] | None) -> dict[str, str]:
    split = (pair.partition("=") for pair in env or ())
    return {name: value for name, _, value in split}
