"""Tiny servers, good and hostile: what one does with a connection goes in, its port comes out."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket], None]
DRIP_SECONDS = 0.05


@contextmanager
def serving(answer: Answer, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Answer each connection in turn while the block lasts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.create_server((host, port), family=family)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError):
                client, _ = server.accept()
                with client:
                    answer(client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


@contextmanager
def deserted() -> Iterator[int]:
    """A port where nobody listens, and that nobody else is given while the block lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def says(text: str) -> Answer:
    """Read the request, and answer with the text, in one piece."""

    def answer(client: socket.socket) -> None:
        read_request(client)
        client.sendall(text.encode("latin-1"))

    return answer


def status(code: int, body: str = "ok") -> Answer:
    return says(f"HTTP/1.1 {code} Words\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}")


def read_request(client: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request and (piece := client.recv(4096)):
        request += piece
    return request


def endless(piece: str) -> Answer:
    """The same again and again, as fast as it is read."""

    def answer(client: socket.socket) -> None:
        while True:
            client.sendall(piece.encode() * 1000)

    return answer


def drip(text: str, seconds: float = DRIP_SECONDS) -> Answer:
    """Byte by byte."""

    def answer(client: socket.socket) -> None:
        read_request(client)
        for byte in text.encode():
            client.sendall(bytes([byte]))
            time.sleep(seconds)

    return answer


def silent(client: socket.socket) -> None:
    """Take the request and say nothing until the other side goes."""
    while client.recv(4096):
        pass


def hang_up(client: socket.socket) -> None:
    """Close at once."""
