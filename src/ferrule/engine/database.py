"""A database beside a program: what engines have in common about it, and the one in a container.

Program and database share a network, so its URL is one on 127.0.0.1 with every engine.
"""

import re
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import msgspec

from ferrule.engine.container_guard import guarded
from ferrule.engine.engine import Engine, Running, RunRequest
from ferrule.errors import EngineError
from ferrule.values import PublishedPort

START_SECONDS = 180.0
CHECK_SECONDS = 30.0
"""Long, for a slow disk or a machine that builds something else: a server that has ended is found at once."""

PAUSE = 0.05
USER = "postgres"
PORT = 5432
ALONE = "none"
"""The network that has nothing but loopback, and whoever joins it."""

LOG_BYTES = 1 << 14


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A Postgres that takes connections.

    `network_of` is what a `RunRequest` takes to reach it on loopback; empty where any process here does.
    `where` says in a few words what runs it.
    """

    url: str
    network_of: str
    version: str
    where: str


@contextmanager
def container_server(
    engine: Engine, image: str, port: int, *, network: str, ports: tuple[PublishedPort, ...]
) -> Iterator[Server]:
    """One from the image, which the engine must have, in `network` as a `RunRequest` names it or `ALONE`.

    `ports` are published for who joins its network.
    """
    password = secrets.token_hex(16)
    request = RunRequest(
        name=image,
        env=(("POSTGRES_PASSWORD", password), ("POSTGRES_USER", USER), ("PGPORT", str(port))),
        args=(
            *("postgres", "-c", "listen_addresses=127.0.0.1"),
            # Its data need not outlive anything.
            *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
        ),
        ports=ports,
        network=network,
        grace=0,
    )
    with (
        tempfile.TemporaryFile("a+b", prefix="ferrule-") as log,
        engine.start(request, stdout=log, stderr=log) as running,
        guarded(engine.name, running.network),
    ):
        _wait(running, port, image, log)
        version = running.inside.execute(("postgres", "--version"), CHECK_SECONDS).output
        match = re.search(r"\b[0-9]+(?:\.[0-9]+)*", version)
        yield Server(
            url=url_of(password, port),
            network_of=running.network,
            version=match[0] if match else "?",
            where=f"in {image}",
        )


def url_of(password: str, port: int) -> str:
    """As programs take it: the server's first database, by its owner."""
    return f"postgres://{USER}:{password}@127.0.0.1:{port}/{USER}"


def free_port() -> int:
    """A port of this machine's loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def last_words(log: BinaryIO) -> str:
    """The last line of a server's log."""
    log.seek(max(0, log.seek(0, 2) - LOG_BYTES))
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it does not say why"


def _wait(running: Running, port: int, image: str, log: BinaryIO) -> None:
    # While it initialises itself, the official image's server listens on no address.
    question = ("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", USER)
    deadline = time.monotonic() + START_SECONDS
    while not running.ended() and time.monotonic() < deadline:
        if running.inside.execute(question, CHECK_SECONDS).code == 0:
            return
        time.sleep(PAUSE)
    raise EngineError(
        f"the database in {image} does not start: {last_words(log)}",
        hint="look at the image, or name another",
    )
