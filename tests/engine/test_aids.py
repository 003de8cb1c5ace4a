"""The init and the probe in images of every engine: who is process 1, and what a health check says."""

import json
import secrets
import socket
from collections.abc import Callable
from typing import Any

import pytest

from ferrule.engine.docker import Docker
from ferrule.engine.engine import RunRequest
from ferrule.engine.podman import Podman
from ferrule.engine.podman_health import SYSTEMD, health_words, parse_health_check
from ferrule.oci.image_config import HealthCheck
from ferrule.process import Command, SystemRunner
from tests.engine.bench import Bench
from tests.engine.test_run import until
from tests.fakes.images import entry, folder
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine

SECOND = 1_000_000_000
INIT = ["/.ferrule/init", "--", "/program"]


@pytest.fixture
def image(bench: Bench, aids: dict[str, bytes]) -> Callable[..., RunRequest]:
    """An image of the bench with both in their places."""
    entries = (folder(".ferrule"), *(entry(f".ferrule/{name}", aids[name], mode=0o755) for name in aids))
    return lambda *words, **config: bench.image(*entries, **{"Cmd": list(words), **config})


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_behind_the_init_is_the_program_s(
    bench: Bench, image: Callable[..., RunRequest], code: int
) -> None:
    assert bench.run(image("exit", str(code), Entrypoint=INIT)).code == code


def test_the_init_is_process_one_and_the_program_is_not(
    bench: Bench, image: Callable[..., RunRequest]
) -> None:
    assert int(bench.run(image("facts", Entrypoint=INIT)).one("pid")) > 1


def test_a_program_without_a_handler_ends_by_the_stop_signal(
    bench: Bench, image: Callable[..., RunRequest]
) -> None:
    with bench.running(image("idle", Entrypoint=INIT)) as running:
        until(lambda: "ready" in bench.said())
        running.stop()
        assert running.wait() == 143  # 137 had the engine killed it after its time of grace


def test_a_program_s_own_handler_is_reached(bench: Bench, image: Callable[..., RunRequest]) -> None:
    with bench.running(image("wait", Entrypoint=INIT, StopSignal="SIGUSR1")) as running:
        until(lambda: "ready" in bench.said())
        running.stop()
        assert running.wait() == 7
    assert "signal 10" in bench.said()


def test_orphans_are_waited_for_behind_the_init_and_not_without(
    bench: Bench, image: Callable[..., RunRequest]
) -> None:
    assert bench.run(image("zombies", Entrypoint=INIT)).one("zombies") == "0"
    assert bench.run(image("zombies")).one("zombies") == "3"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def checked(port: int) -> dict[str, Any]:
    test = ["CMD", "/.ferrule/probe", "-t", "29000", f"http://localhost:{port}/health"]
    return {"Healthcheck": {"Test": test, "Interval": SECOND // 4, "Timeout": 30 * SECOND, "Retries": 1}}


@pytest.mark.real
@pytest.mark.parametrize("bench", ["docker"], indirect=True)
def test_docker_shows_healthy_and_the_reason_where_it_is_not(
    docker: Docker, daemon: DockerEngine, image: Callable[..., RunRequest]
) -> None:
    def health() -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(
            daemon.docker("inspect", "--format", "{{json .State.Health}}", name)
        )
        return shown

    served, deserted = free_port(), free_port()
    for asked, status, says in (
        (served, "healthy", "200 after "),
        (deserted, "unhealthy", f"connect refused on 127.0.0.1:{deserted}"),
    ):
        name = f"check-{secrets.token_hex(4)}"
        program = docker.detach(image("serve", str(served), **checked(asked)), name)
        try:
            until(lambda: bool(health()["Log"]) and health()["Status"] != "starting")
            assert health()["Status"] == status
            assert health()["Log"][-1]["Output"].startswith(says)
        finally:
            program.stop(0)


@pytest.mark.real
@pytest.mark.parametrize("bench", ["podman"], indirect=True)
def test_podman_shows_healthy_and_the_reason_where_it_is_not(
    podman: Podman, podman_here: PodmanEngine, image: Callable[..., RunRequest]
) -> None:
    served, deserted = free_port(), free_port()
    for asked, code, says in (
        (served, 0, "200 after "),
        (deserted, 1, f"connect refused on 127.0.0.1:{deserted}"),
    ):
        name = f"check-{secrets.token_hex(4)}"
        program = podman.detach(image("serve", str(served), **checked(asked)), name)
        try:
            until(lambda: reachable(served))
            assert podman_code(podman_here, "healthcheck", "run", name) == code
            log = podman_here.podman("inspect", "--format", "{{json .State.Health.Log}}", name)
            assert json.loads(log)[-1]["Output"].startswith(says)
        finally:
            program.stop(0)


def reachable(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def podman_code(engine: PodmanEngine, *words: str) -> int:
    return SystemRunner().run(Command(argv=("podman", *words), env=engine.env)).returncode


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (("CMD", "/app/x"), ("--health-cmd", "CMD /app/x")),
        (("CMD", "/app/x", "a b", '"'), ("--health-cmd", '["/app/x", "a b", "\\""]')),
    ],
)
def test_podman_s_words_are_a_command_without_a_shell(test: tuple[str, ...], words: tuple[str, ...]) -> None:
    check = HealthCheck(test=test, interval=2 * SECOND, timeout=SECOND // 2, retries=3)
    said = health_words(check)
    assert said[:2] == words
    assert said[2:4] == ("--health-interval", "2s" if SYSTEMD.is_dir() else "disable")
    assert said[4:] == ("--health-timeout", "0.5s", "--health-retries", "3")


def test_a_check_of_somebody_else_s_shell_is_left_to_podman() -> None:
    assert health_words(None) == ()
    assert health_words(HealthCheck(test=("CMD-SHELL", "curl -f localhost"))) == ()
    assert health_words(HealthCheck(test=("NONE",))) == ()
    assert parse_health_check(None) is None
    assert parse_health_check({"Test": 1}) is None
    assert parse_health_check({"Test": ["CMD", "/x"]}) == HealthCheck(test=("CMD", "/x"))
