import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from ferrule.engine.health import ONE_TRY, Question, wait_healthy
from tests.probe.servers import deserted, hang_up, serving, silent


@contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """A server that gives one answer after the other, the last one for ever; yields its port."""
    server = socket.create_server(("127.0.0.1", 0))
    left = list(answers)

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.recv(4096)
                client.sendall(left.pop(0) if len(left) > 1 else left[0])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def status(code: int) -> bytes:
    return f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize("code", [200, 204, 302, 399])
def test_a_status_below_400_is_well(code: int) -> None:
    with answering(status(code)) as port:
        answer = wait_healthy(Question(port=port, path="/health"), within=60, ended=lambda: False)
    assert (answer.healthy, answer.status, answer.reason) == (True, code, "")


def test_it_asks_again_until_the_answer_is_good() -> None:
    with answering(status(503), b"", status(500), status(200)) as port:
        answer = wait_healthy(Question(port=port, path="/"), within=60, ended=lambda: False)
    assert (answer.healthy, answer.status) == (True, 200)


def test_a_program_that_stays_unwell_is_named_with_its_status() -> None:
    with answering(status(503)) as port:
        answer = wait_healthy(Question(port=port, path="/"), within=1, ended=lambda: False)
    assert (answer.healthy, answer.status, answer.reason) == (False, 503, "it answers 503")
    assert 1 <= answer.seconds < 60


@pytest.mark.parametrize(
    ("said", "reason"), [(b"SSH-2.0-x\r\n", "does not answer in HTTP"), (b"", "does not answer in HTTP")]
)
def test_other_protocols_are_not_well(said: bytes, reason: str) -> None:
    with answering(said) as port:
        answer = wait_healthy(Question(port=port, path="/"), within=1, ended=lambda: False)
    assert not answer.healthy
    assert reason in answer.reason


def test_a_port_without_anybody_is_named() -> None:
    with deserted() as port:
        answer = wait_healthy(Question(port=port, path="/"), within=0.1, ended=lambda: False)
    assert answer.reason == f"nothing listens on port {port}"


def test_it_stops_as_soon_as_the_program_has_ended() -> None:
    looks = iter((False, False, True))
    with deserted() as port:
        answer = wait_healthy(Question(port=port, path="/"), within=600, ended=lambda: next(looks))
    assert (answer.healthy, answer.reason) == (False, "the program ended")
    assert answer.seconds < 300


def test_a_server_that_never_answers_does_not_hold_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = wait_healthy(
            Question(port=silent.getsockname()[1], path="/"), within=0.3, ended=lambda: False
        )
    assert (answer.healthy, answer.reason) == (False, "it takes too long to answer")
    assert answer.seconds < ONE_TRY


def test_a_last_question_without_the_time_for_an_answer_hides_nothing() -> None:
    asked = []

    def once(client: socket.socket) -> None:
        asked.append(client)
        if len(asked) == 1:
            hang_up(client)
        else:
            silent(client)

    with serving(once) as port:
        answer = wait_healthy(Question(port=port, path="/"), within=1, ended=lambda: False)
    assert len(asked) == 2
    assert "does not answer in HTTP" in answer.reason


def test_the_status_and_the_header_that_were_asked_for_count() -> None:
    requests = []

    def keep(client: socket.socket) -> None:
        requests.append(client.recv(4096).decode())
        client.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with serving(keep) as port:
        good = Question(port=port, path="/", expect=204, header="Host: shop.example")
        assert wait_healthy(good, within=60, ended=lambda: False).healthy
        other = wait_healthy(replace(good, expect=200), within=1, ended=lambda: False)
    assert (other.healthy, other.reason) == (False, "it answers 204")
    assert "\r\nHost: shop.example\r\n" in requests[0]
    assert requests[0].count("Host:") == 1


def test_a_connection_is_enough_where_no_path_is_asked() -> None:
    with serving(silent) as port:
        answer = wait_healthy(Question(port=port), within=60, ended=lambda: False)
    assert (answer.healthy, answer.status, answer.reason) == (True, None, "")
    with deserted() as port:
        refused = wait_healthy(Question(port=port), within=0.1, ended=lambda: False)
    assert not refused.healthy
