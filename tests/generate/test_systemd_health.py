"""The watch over a service without a container: its words are run by bash as systemd would run them."""

import http.server
import os
import socket
import subprocess  # noqa: TID251 - systemd's part is played here
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ferrule.generate import systemd
from ferrule.generate.service import Service
from ferrule.health import Health
from ferrule.values import Port
from tests.generate.deployed import FULL
from tests.generate.unit_reader import read_unit, words


def units(service: Service) -> dict[str, dict[str, str]]:
    """The health units' names → their keys and raw values."""
    return {
        Path(draft.path).name: {key: value for part in read_unit(draft.text).values() for key, value in part}
        for draft in systemd.drafts(service)
        if "-health." in draft.path
    }


def watched(port: int, live: str = "/live", *, timeout: int = 60, retries: int = 1) -> dict[str, str]:
    header = 'X-A: a\'b "c"'
    health = Health(path="/health", live=live, port=port, header=header, timeout=timeout, retries=retries)
    return units(Service(name="shop", health=health))["shop-health.service"]


class Answers(http.server.BaseHTTPRequestHandler):
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012 - of this test module alone

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["X-A"]))
        self.send_response(503 if self.path == "/bad" else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


@contextmanager
def answering() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def run(line: str, **variables: str) -> int:
    argv = words(line.removeprefix("+"))
    return subprocess.run(argv, env={**os.environ, **variables}, stderr=subprocess.DEVNULL).returncode


def test_only_a_service_with_live_is_watched() -> None:
    health = Health(path="/health")
    assert units(Service(name="a", health=health, ports=(Port(number=80),))) == {}
    assert units(Service(name="a", health=Health(path="/", live="/live"))) == {}
    found = units(FULL)
    assert set(found) == {"shop-health.service", "shop-health.timer"}
    timer = found["shop-health.timer"]
    assert (timer["PartOf"], timer["WantedBy"]) == ("shop.service", "shop.service")
    assert (timer["OnActiveSec"], timer["OnUnitInactiveSec"]) == ("10", "30")
    assert words(found["shop-health.service"]["ExecStart"])[3:] == (
        *("ask", "3000", "/live?a=b%20c&d=$(e)", "Host: shop.example.com", "5", "3"),
    )


@pytest.mark.real
def test_what_answers_is_alive() -> None:
    with answering() as port:
        assert run(watched(port, "/live?a=%s&b=$(c)")["ExecStart"]) == 0
        assert Answers.asked[-1] == ("/live?a=%s&b=$(c)", 'a\'b "c"')
        assert run(watched(port, "/bad")["ExecStart"]) == 1


@pytest.mark.real
def test_what_is_silent_or_away_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert run(watched(silent.getsockname()[1], timeout=1)["ExecStart"]) == 1
        port = silent.getsockname()[1]
    assert run(watched(port, retries=2)["ExecStart"]) == 1


@pytest.mark.real
def test_only_a_failure_starts_it_anew(tmp_path: Path) -> None:
    called = tmp_path / "called"
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$*" >> {called}\n')
    (tmp_path / "systemctl").chmod(0o755)
    stop = watched(1)["ExecStopPost"]
    assert stop.startswith("+")
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert run(stop, PATH=path, SERVICE_RESULT="success") == 0
    assert not called.exists()
    assert run(stop, PATH=path, SERVICE_RESULT="exit-code") == 0
    assert called.read_text() == "--no-block --job-mode=fail try-restart shop.service\n"
