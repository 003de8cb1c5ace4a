"""Docker engines for tests: a folder goes in, a running daemon comes out, apart from any other here.

Debian's own 20.10 stores images as Docker always did; the testing suite's, a current one, keeps them in
containerd's store as they came.
"""

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ferrule.process import Attached, Command, SystemRunner
from tests.parts.debian import debian_tool, run
from tests.parts.need import need

START_SECONDS = 120
MOUNTS = Path("/proc/self/mountinfo")
APART = ("--iptables=false", "--ip6tables=false", "--bridge=none")
CONTAINERD = ("--feature", "containerd-snapshotter=true")
IN_A_NETWORK = ("unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerEngine:
    """A running daemon. Without a `network` it has no bridge: containers take `--network host`, or none.

    `network` is a namespace that is the daemon's own: there it makes bridges and publishes ports.
    """

    socket: Path
    config: Path
    path: str
    network: Path | None = None

    @property
    def env(self) -> dict[str, str]:
        """What makes docker's own client of the same version, and ferrule, talk to this daemon."""
        return {
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": str(self.config),
            "PATH": self.path,
        }

    def docker(self, *argv: str) -> str:
        """Run docker's own client, the judge; returns its stdout."""
        return run("docker", *argv, env=self.env)

    def beside(self, *argv: str) -> str:
        """Run a program on the daemon's side of the network, where published ports are."""
        assert self.network is not None, "this daemon publishes nothing"
        return run("nsenter", f"--net={self.network}", "--", *argv)


@contextmanager
def docker_engine(folder: Path) -> Iterator[DockerEngine]:
    """Start this machine's dockerd with its data in `folder`; at the end it and its mounts are gone."""
    need(shutil.which("dockerd"), "dockerd (Debian's docker.io)")
    with _engine(folder, os.environ["PATH"], APART) as engine:
        yield engine


@contextmanager
def current_docker_engine(folder: Path) -> Iterator[DockerEngine]:
    """The same with the dockerd, containerd and client of Debian's testing suite, and this machine's runc.

    Its client builds with BuildKit.
    """
    add_buildx(folder)
    with _engine(folder, _current(), (*APART, *CONTAINERD)) as engine:
        yield engine


def add_buildx(folder: Path) -> None:
    """Give the client of the engine in `folder` BuildKit's plugin; a client of 20.10 does without."""
    plugins = folder / "config" / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    shutil.copy(debian_tool("docker-buildx"), plugins)


@contextmanager
def networking_docker_engine(folder: Path) -> Iterator[DockerEngine]:
    """The current one with bridges and published ports, in a network namespace of its own.

    Its bridges and rules go with the namespace, so nothing of this machine's network is touched, and no port
    of it is taken. There is no way out to other machines.
    """
    need(shutil.which("ip") and shutil.which("iptables"), "ip and iptables (iproute2, iptables)")
    with _engine(folder, _current(), CONTAINERD, IN_A_NETWORK) as engine:
        pid = int((engine.socket.parent / "pid").read_text())
        yield replace(engine, network=Path(f"/proc/{pid}/ns/net"))


def _current() -> str:
    """PATH with the programs of the testing suite first."""
    need(shutil.which("runc"), "runc")
    own = debian_tool("dockerd").parents[1]
    return os.pathsep.join((str(own / "sbin"), str(own / "bin"), os.environ["PATH"]))


@contextmanager
def _engine(
    folder: Path, path: str, flags: tuple[str, ...], inside: tuple[str, ...] = ()
) -> Iterator[DockerEngine]:
    need(os.geteuid() == 0, "the right to start dockerd (root)")
    folder.mkdir(parents=True, exist_ok=True)
    # Paths of sockets end after 107 bytes, and dockerd makes deep ones: they get a short folder of their own.
    short = Path(tempfile.mkdtemp(prefix="ferrule-"))
    engine = DockerEngine(socket=short / "docker.sock", config=folder / "config", path=path)
    try:
        with (folder / "log").open("ab") as log:
            command = _daemon(engine, folder, (*inside, "dockerd", *flags))
            daemon = SystemRunner().attached(command, stdout=log, stderr=log)
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


def _daemon(engine: DockerEngine, folder: Path, start: tuple[str, ...]) -> Command:
    short = engine.socket.parent
    places = {
        "--host": f"unix://{engine.socket}",
        "--data-root": str(folder / "data"),
        "--exec-root": str(short / "exec"),
        "--pidfile": str(short / "pid"),
    }
    options = [word for pair in places.items() for word in pair]
    return Command(argv=(*start, *options), env={"DOCKER_HOST": None, "PATH": engine.path})


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
