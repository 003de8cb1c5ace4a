"""The example is verified before it goes anywhere: the same verdict from every engine."""

import json
import os
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
from typing import Any

import pytest

from tests.journey.conftest import ShopImage
from tests.journey.ferrule import flags, shop_variables
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real


@pytest.mark.parametrize("engine", ["sandbox", "docker", "podman"])
def test_the_example_is_fit_to_run_with_its_database_and_not_without(
    engine: str,
    shop_images: dict[str, ShopImage],
    docker: DockerEngine,
    podman: PodmanEngine,
    database: str,
    port: int,
) -> None:
    variables = shop_variables(database, port)
    env = {**docker.env, **podman.env}

    def verify(*words: str) -> tuple[int, dict[str, Any]]:
        argv = (sys.executable, "-m", "ferrule", "verify", shop_images["scratch"].oci, "--engine", engine)
        finished = subprocess.run(
            (*argv, *flags(variables), "--json", *words),
            env={**os.environ, **env},
            capture_output=True,
            text=True,
        )
        assert variables["APP_AUTH_JWT_SECRET"] not in finished.stdout + finished.stderr
        return finished.returncode, json.loads(finished.stdout)

    code, found = verify("--network", "host", "--wait-timeout", "120")
    assert (code, found["ok"]) == (0, True), found
    checks = {check["name"]: check for check in found["checks"]}
    assert list(checks) == ["health", "version", "ports", "memory", "stop"]
    assert checks["ports"]["listens"] == [f"0.0.0.0:{port}"]
    assert checks["version"]["said"] == "it says 0.4.2"
    code, found = verify("--wait-timeout", "4")
    assert code == 6
    assert "503 after" in found["checks"][0]["said"]
