"""Docker and Podman ask the example by the probe in its scratch image, and say why it is not well."""

import json
import secrets
import time
from typing import Any

import pytest

from ferrule.process import Command, SystemRunner
from tests.journey.conftest import ShopImage
from tests.journey.ferrule import (
    PATIENCE_SECONDS,
    SHOP,
    ferrule,
    flags,
    free_port,
    health,
    shop_variables,
    tool,
)
from tests.parts.docker import DockerEngine
from tests.parts.fixed_port import EXAMPLE
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real
REFUSED = f"connect refused on 127.0.0.1:{EXAMPLE}"
QUICKLY = ("--health-interval", "250ms", "--health-start-period", "1ms", "--health-retries", "1")


def test_docker_inspect_shows_healthy_and_the_reason_of_a_broken_one(
    shop_images: dict[str, ShopImage], docker: DockerEngine, database: str, port: int
) -> None:
    docker.docker("load", "-i", str(shop_images["scratch"].archive))
    for own, status, says in ((port, "healthy", "200 after "), (free_port(), "unhealthy", REFUSED)):
        run = ("run", "--detach", "--network", "host", *QUICKLY)
        container = docker.docker(*run, *flags(shop_variables(database, own)), "shop:scratch").strip()
        try:
            assert status_becomes(docker, container, status)["Log"][-1]["Output"].startswith(says)
        finally:
            docker.docker("rm", "--force", container)


def status_becomes(docker: DockerEngine, container: str, status: str) -> dict[str, Any]:
    """What Docker says of its health, as soon as that is the status."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        said = docker.docker("inspect", "--format", "{{json .State.Health}}", container)
        found: dict[str, Any] = json.loads(said)
        if found["Status"] == status and found["Log"]:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_podman_healthcheck_passes_for_what_ferrule_runs_and_says_why_it_does_not(
    shop_images: dict[str, ShopImage], podman: PodmanEngine, database: str, port: int
) -> None:
    for own, says in ((port, "200 after "), (free_port(), REFUSED)):
        name = f"shop-{secrets.token_hex(4)}"
        run = ("run", shop_images["scratch"].oci, "--engine", "podman", "--network", "host")
        ferrule(*run, "--detach", "--name", name, *flags(shop_variables(database, own)), env=podman.env)
        try:
            health(own)
            asked = SystemRunner().run(Command(argv=("podman", "healthcheck", "run", name), env=podman.env))
            assert asked.ok == (own == port)
            log = podman.podman("inspect", "--format", "{{json .State.Health.Log}}", name)
            assert json.loads(log)[-1]["Output"].startswith(says)
        finally:
            ferrule("stop", name, env=podman.env)


def test_podman_keeps_the_check_of_an_image_that_was_loaded(podman: PodmanEngine) -> None:
    name = ferrule("build", str(SHOP), "--load", "--engine", "podman", "--tag", "checked", env=podman.env)
    kept = json.loads(podman.podman("image", "inspect", "--format", "{{json .HealthCheck}}", name))
    assert kept["Test"][:2] == ["CMD", "/.ferrule/probe"]


def test_the_probe_asks_in_the_image_of_every_base(shop_image: ShopImage) -> None:
    config = json.loads(tool("skopeo", "inspect", "--config", "--raw", shop_image.oci))["config"]
    assert config["Healthcheck"] == {
        "Test": ["CMD", "/.ferrule/probe", "-t", "4500", f"http://localhost:{EXAMPLE}/health"],
        "Interval": 30_000_000_000,
        "Timeout": 5_000_000_000,
        "StartPeriod": 10_000_000_000,
        "Retries": 3,
    }
