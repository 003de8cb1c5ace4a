"""What holds for all tests, and the engines that they share: each is started once, when the first asks."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.parts.docker import DockerEngine, docker_engine
from tests.parts.podman import PodmanEngine, podman_engine

# How long a machine takes says nothing of the code: no test has a deadline of milliseconds.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

# A shell that starts us in the background has us ignore Ctrl-C, and what tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """This machine's dockerd, with nothing in it but what tests bring."""
    with docker_engine(tmp_path_factory.mktemp("docker")) as engine:
        yield engine


@pytest.fixture(scope="session")
def podman_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodmanEngine]:
    """This machine's Podman, with a storage of its own."""
    with podman_engine(tmp_path_factory.mktemp("podman")) as engine:
        yield engine
