"""The compiled probe against real servers: exit codes are 0 and 1, and one line says why."""

import os
import re
import socket
import time
from collections.abc import Callable

import pytest

from ferrule.process import Command, SystemRunner
from tests.probe.conftest import Tool
from tests.probe.servers import (
    Answer,
    deserted,
    drip,
    endless,
    hang_up,
    read_request,
    says,
    serving,
    silent,
    status,
)

pytestmark = pytest.mark.real
LATE = 30.0
"""Seconds beyond its deadline that an emulator on a busy machine may take."""

INTERIM = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
OK = "HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "options", "code", "said"),
    [
        (status(200), (), 0, r"200 after \d+ ms"),
        (status(204, ""), (), 0, r"204 after \d+ ms"),
        (status(302), (), 0, r"302 after \d+ ms"),
        (status(399), (), 0, r"399 after \d+ ms"),
        (status(400), (), 1, r"400 after \d+ ms"),
        (status(500), (), 1, r"500 after \d+ ms"),
        (status(503, "x" * 100_000), (), 1, r"503 after \d+ ms"),
        (status(204), ("-e", "200"), 1, r"204 after \d+ ms, not 200"),
        (status(404), ("-e", "404"), 0, r"404 after \d+ ms"),
        (says("HTTP/1.0 200\r\n\r\n"), (), 0, r"200 after \d+ ms"),
        (says(OK.replace("\r", "")), (), 0, r"200 after \d+ ms"),
        (says(INTERIM * 40 + OK), (), 0, r"200 after \d+ ms"),
        (says(INTERIM), (), 1, r"closed without an answer after \d+ ms"),
        (drip(OK, 0.01), (), 0, r"200 after \d+ ms"),
        (hang_up, (), 1, r"closed without an answer after \d+ ms"),
        (says("SSH-2.0-OpenSSH_9.2p1\r\n"), (), 1, r"an answer that is not HTTP after \d+ ms"),
        (says("\x15\x03\x01\x00\x02\x02\x46"), (), 1, r"an answer that is not HTTP after \d+ ms"),
        (says("HTTP/1.1 ### \r\n"), (), 1, r"an answer that is not HTTP after \d+ ms"),
        (says("HTTP/2.0 200 OK\r\n"), (), 1, r"an answer that is not HTTP after \d+ ms"),
    ],
)
def test_an_answer_is_judged(
    probe: Tool, answer: Answer, options: tuple[str, ...], code: int, said: str
) -> None:
    with serving(answer) as port:
        ended, line = probe(*options, f"http://localhost:{port}/health")
    assert re.fullmatch(f"{said}\n", line), line
    assert ended == code


@pytest.mark.parametrize(
    "answer",
    [
        silent,
        drip(OK),
        drip("HTTP/1.1 103 Early\r\n" + "a: b\r\n" * 100),
        endless("HTTP/1.1 103 Early\r\n\r\n"),
        endless("HTTP/1.1 100 Continue\r\na: b\r\n"),
    ],
    ids=["silent", "drip", "drip of headers", "endless answers", "endless headers"],
)
def test_a_hostile_program_is_left_at_the_deadline(probe: Tool, answer: Answer) -> None:
    with serving(answer) as port:
        started = time.monotonic()
        ended, line = probe("-t", "400", f"http://localhost:{port}/")
        seconds = time.monotonic() - started
    assert ended == 1
    assert waited_in_vain(line) >= 400
    assert seconds < 0.4 + LATE


def waited_in_vain(line: str) -> int:
    """How long it says that it waited, in milliseconds."""
    found = re.fullmatch(r"no answer after (\d+) ms\n", line)
    assert found, line
    return int(found[1])


def test_a_body_without_an_end_does_not_hold_a_good_answer_up(probe: Tool) -> None:
    def body(client: socket.socket) -> None:
        read_request(client)
        client.sendall(OK.encode())
        endless("x")(client)

    with serving(body) as port:
        started = time.monotonic()
        assert probe(f"http://localhost:{port}/")[0] == 0
        assert time.monotonic() - started < 0.1 + LATE


def test_a_full_queue_of_connections_is_no_answer_either(probe: Tool) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = []
        for _ in range(3):
            client = socket.socket()
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        ended, line = probe("-t", "300", f"tcp://localhost:{port}")
        for client in waiting:
            client.close()
    assert ended == 1
    assert waited_in_vain(line) >= 300


def test_ipv6_alone_is_found(probe: Tool) -> None:
    with serving(status(200), host="::1") as port:
        assert probe(f"http://localhost:{port}/")[0] == 0
        assert probe(f"tcp://localhost:{port}")[0] == 0


def test_nobody_listening_is_said_with_the_address(probe: Tool) -> None:
    with deserted() as port:
        ended, line = probe(f"http://localhost:{port}/health")
    assert ended == 1
    assert line in (
        f"connect refused on 127.0.0.1:{port} and [::1]:{port}\n",
        f"connect refused on 127.0.0.1:{port}\n",  # a machine without IPv6
    )


def test_a_connection_is_enough_for_tcp(probe: Tool) -> None:
    with serving(silent) as port:
        ended, line = probe(f"tcp://localhost:{port}")
    assert (ended, line.split(" after ")[0]) == (0, "connected")
    with deserted() as port:
        assert probe(f"tcp://localhost:{port}")[0] == 1


@pytest.mark.parametrize(
    ("options", "path", "first", "lines"),
    [
        ((), "/health?a=%20", "GET /health?a=%20 HTTP/1.1", ["Host: localhost", "Connection: close"]),
        ((), "", "GET / HTTP/1.1", ["Host: localhost"]),
        (("-H", "X-Probe: yes"), "/", "GET / HTTP/1.1", ["Host: localhost", "X-Probe: yes"]),
        (("-H", "HOST: shop.example"), "/", "GET / HTTP/1.1", ["HOST: shop.example"]),
    ],
)
def test_the_request_is_what_a_server_expects(
    probe: Tool, options: tuple[str, ...], path: str, first: str, lines: list[str]
) -> None:
    requests = []

    def keep(client: socket.socket) -> None:
        requests.append(read_request(client).decode())
        client.sendall(OK.encode())

    with serving(keep) as port:
        assert probe(*options, f"http://localhost:{port}{path}")[0] == 0
    head, _, body = requests[0].partition("\r\n\r\n")
    assert body == ""
    assert head.split("\r\n")[0] == first
    assert set(lines) <= set(head.split("\r\n"))
    assert sum(line.lower().startswith("host:") for line in head.split("\r\n")) == 1


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-t",),
        ("-x", "1", "http://localhost:1/"),
        ("http://example.com:80/",),
        ("https://localhost:443/",),
        ("http://localhost/",),
        ("http://localhost:0/",),
        ("http://localhost:65536/",),
        ("ftp://localhost:21/",),
        ("",),
    ],
)
def test_what_it_cannot_be_asked_is_answered_with_how_it_can(probe: Tool, words: tuple[str, ...]) -> None:
    ended, line = probe(*words)
    assert (ended, line[:12]) == (1, "usage: probe")


def test_nobody_reading_what_it_says_is_no_signal_to_die_of(compiled: Callable[[str, str], Tool]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with serving(status(503)) as port, os.fdopen(writing, "wb") as pipe:
        argv = compiled("probe", "amd64").argv(f"http://localhost:{port}/")
        assert SystemRunner().attached(Command(argv=argv), stdout=pipe, stderr=pipe).wait() == 1
