"""A Docker engine for tests: a folder goes in, a running daemon comes out, apart from any other here."""

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ferrule.process import Attached, Command, SystemRunner
from tests.parts.debian import run
from tests.parts.need import need

START_SECONDS = 30
MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerEngine:
    """A running daemon. It has no bridge: containers take `--network host`, or none."""

    socket: Path
    config: Path

    @property
    def env(self) -> dict[str, str]:
        """What makes docker's own client, and ferrule, talk to this daemon."""
        return {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": str(self.config)}

    def docker(self, *argv: str) -> str:
        """Run docker's own client, the judge; returns its stdout."""
        return run("docker", *argv, env=self.env)


@contextmanager
def docker_engine(folder: Path) -> Iterator[DockerEngine]:
    """Start a daemon whose data is in `folder`; at the end it is stopped and its mounts are gone."""
    need(os.geteuid() == 0, "the right to start dockerd (root)")
    need(shutil.which("dockerd"), "dockerd (Debian's docker.io)")
    folder.mkdir(parents=True, exist_ok=True)
    # Paths of sockets end after 107 bytes, and dockerd makes deep ones: they get a short folder of their own.
    short = Path(tempfile.mkdtemp(prefix="ferrule-"))
    engine = DockerEngine(socket=short / "docker.sock", config=folder / "config")
    try:
        with (folder / "log").open("ab") as log:
            daemon = SystemRunner().attached(_daemon(engine, folder, short), stdout=log, stderr=log)
        try:
            _wait(engine, daemon, folder / "log")
            yield engine
        finally:
            daemon.signal(signal.SIGTERM)
            daemon.wait()
    finally:
        for place in (short, folder):
            unmount_below(place)
        shutil.rmtree(short)


def unmount_below(folder: Path) -> None:
    """Unmount whatever is left mounted in the folder, the deepest first."""
    places = [line.split(" ")[4].replace("\\040", " ") for line in MOUNTS.read_text().splitlines()]
    for place in sorted(places, reverse=True):
        if Path(place).is_relative_to(folder.resolve()):
            run("umount", "--lazy", place)


def _daemon(engine: DockerEngine, folder: Path, short: Path) -> Command:
    flags = ("--iptables=false", "--ip6tables=false", "--bridge=none")
    places = {
        "--host": f"unix://{engine.socket}",
        "--data-root": str(folder / "data"),
        "--exec-root": str(short / "exec"),
        "--pidfile": str(short / "pid"),
    }
    options = [word for pair in places.items() for word in pair]
    return Command(argv=("dockerd", *options, *flags), env={"DOCKER_HOST": None})


def _wait(engine: DockerEngine, daemon: Attached, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(engine.socket):
        gone = daemon.ended() or time.monotonic() > deadline
        assert not gone, f"dockerd does not start:\n{log.read_text(errors='replace')}"
        time.sleep(0.05)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
        client.connect(str(path))
        client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return client.recv(64).startswith(b"HTTP/1.0 200")
    return False
