"""The example answers on its health path wherever its image runs."""

import os
import signal
import subprocess  # noqa: TID251 - a service that runs beside the test
import sys

import pytest

from tests.journey.conftest import ShopImage
from tests.journey.ferrule import (
    PATIENCE_SECONDS,
    SHOP,
    ask,
    ferrule,
    flags,
    free_port,
    health,
    shop_variables,
    tool,
)
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real
HEALTHY = {"status": "ok", "version": "0.4.2"}


def run_with(engine: DockerEngine | PodmanEngine, image: str, database: str) -> None:
    """`docker run` or `podman run`, the health answer, and a clean end."""
    port = free_port()
    call = engine.docker if isinstance(engine, DockerEngine) else engine.podman
    container = call(
        "run", "--detach", "--network", "host", *flags(shop_variables(database, port)), image
    ).strip()
    try:
        assert health(port) == HEALTHY
        call("stop", container)
        state = call("inspect", "--format", "{{.State.ExitCode}}", container)
        assert state.strip() == "0"
    finally:
        call("rm", "--force", container)


def test_the_image_runs_with_docker_on_every_base(
    shop_image: ShopImage, docker: DockerEngine, database: str
) -> None:
    docker.docker("load", "-i", str(shop_image.archive))
    run_with(docker, f"shop:{shop_image.name}", database)


def test_docker_runs_what_build_load_prints(docker: DockerEngine, database: str) -> None:
    name = ferrule("build", str(SHOP), "--load", "--engine", "docker", "--tag", "loaded", env=docker.env)
    assert name == "shop:loaded"
    run_with(docker, name, database)


def test_podman_runs_what_build_load_prints(podman: PodmanEngine, database: str) -> None:
    name = ferrule("build", str(SHOP), "--load", "--engine", "podman", "--tag", "loaded", env=podman.env)
    assert name == "shop:loaded"
    run_with(podman, name, database)


def test_skopeo_carries_the_default_layout_to_a_registry_and_both_engines_run_it_by_digest(
    docker: DockerEngine, podman: PodmanEngine, registry: str, database: str
) -> None:
    source = ferrule("build", str(SHOP))
    target = f"{registry}/carried/shop"
    tool(
        "skopeo", "copy", "--dest-tls-verify=false", "--insecure-policy", source, f"docker://{target}:latest"
    )
    digest = tool(
        "skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", f"docker://{target}:latest"
    )
    run_with(docker, f"{target}@{digest}", database)
    run_with(podman, f"{target}@{digest}", database)


def test_both_engines_run_what_build_push_prints(
    docker: DockerEngine, podman: PodmanEngine, registry: str, database: str
) -> None:
    name = ferrule(
        "build", str(SHOP), "--push", "--image", f"{registry}/acme/shop", "-t", "{version}", "-t", "latest"
    )
    assert name.startswith(f"{registry}/acme/shop@sha256:")
    run_with(docker, name, database)
    run_with(podman, name, database)
    for tag in ("0.4.2", "latest"):
        reference = f"docker://{registry}/acme/shop:{tag}"
        assert name.endswith(
            tool("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", reference)
        )


@pytest.mark.parametrize("engine", ["sandbox", "docker", "podman"])
def test_ferrule_run_waits_for_health_and_stops_with_ctrl_c(
    engine: str, shop_image: ShopImage, docker: DockerEngine, podman: PodmanEngine, database: str, port: int
) -> None:
    variables = flags(shop_variables(database, port))
    argv = (
        sys.executable,
        "-m",
        "ferrule",
        "run",
        shop_image.oci,
        "--engine",
        engine,
        "--wait",
        "--network",
        "host",
    )
    service = subprocess.Popen(
        (*argv, *variables),
        env={**os.environ, **docker.env, **podman.env},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert service.stderr is not None
    try:
        said = next(line for line in service.stderr if "healthy" in line)
        assert said.startswith("healthy after ")
        assert ask(port, "/health") == (200, HEALTHY)
        service.send_signal(signal.SIGINT)
        assert service.wait(timeout=PATIENCE_SECONDS) == 0
    finally:
        service.kill()
        service.wait()
        service.stderr.close()


def test_a_program_s_own_exit_code_is_the_exit_code_of_run(shop_images: dict[str, ShopImage]) -> None:
    argv = (
        sys.executable,
        "-m",
        "ferrule",
        "run",
        shop_images["scratch"].oci,
        "--engine",
        "sandbox",
        "--",
        "nonsense",
    )
    finished = subprocess.run(argv, capture_output=True, text=True)
    assert finished.returncode == 2 or finished.returncode == 1
    assert "error: " not in finished.stderr


def test_a_project_is_built_and_run_in_one_go() -> None:
    argv = (
        sys.executable,
        "-m",
        "ferrule",
        "run",
        str(SHOP),
        "--engine",
        "sandbox",
        "--",
        "token",
        "somebody",
    )
    finished = subprocess.run(
        (*argv[:4], "-e", "APP_AUTH_JWT_SECRET=a-secret-for-tests-and-nothing-else", *argv[4:]),
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count(".") == 2
