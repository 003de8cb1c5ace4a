"""What is Docker's alone."""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.engine.choose import choose, choose_loader
from ferrule.engine.docker import Docker, find_docker
from ferrule.engine.docker_address import parse_address
from ferrule.engine.docker_container import explain
from ferrule.engine.docker_http import DockerHttp, DockerRefusalError
from ferrule.engine.engine import RunRequest
from ferrule.engine.sandbox import Sandbox
from ferrule.errors import EngineError, ProjectError, UsageError
from ferrule.process import Command, SystemRunner
from ferrule.values import PublishedPort
from tests.engine.bench import Bench
from tests.parts.docker import DockerEngine


@pytest.fixture
def bench(docker: Docker, tmp_path: Path, program: bytes) -> Bench:
    return Bench(engine=docker, folder=tmp_path, program=program)


def test_an_engine_that_is_not_there_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineError, match=r"docker does not answer at unix://.*none\.sock") as caught:
        choose("docker")
    assert caught.value.exit_code == 6
    assert caught.value.hint == "start docker, or set DOCKER_HOST, or use --engine sandbox"
    monkeypatch.setenv("PATH", str(tmp_path))
    for hint in (
        "start docker, or set DOCKER_HOST",
        "start docker, or set DOCKER_HOST, or use --engine podman",
    ):
        with pytest.raises(EngineError, match="docker does not answer") as asked_to_load:
            choose_loader("docker")
        assert asked_to_load.value.hint == hint
        (tmp_path / "podman").touch(0o755)
    assert find_docker(required=False) is None
    assert isinstance(choose("auto").engine, Sandbox)


@pytest.mark.real
def test_a_socket_of_somebody_else_is_told_from_one_that_is_not_there(daemon: DockerEngine) -> None:
    ask = "from ferrule.engine.docker import find_docker; find_docker()"
    # Imported before the change of user, who may not be able to read our files.
    become = "import os, ferrule.engine.docker; os.setgroups([]); os.setresuid(65534, 65534, 65534)"
    argv = (sys.executable, "-c", f"{become}; {ask}")
    finished = SystemRunner().run(Command(argv=argv, env=daemon.env))
    assert b"EngineError: docker's socket unix://" in finished.stderr
    assert b"is not for this user" in finished.stderr


@pytest.mark.parametrize("choice", [choose, choose_loader])
def test_an_unknown_engine_is_wrong_use(choice: "type[object]") -> None:
    with pytest.raises(UsageError, match="'lxc'"):
        choice("lxc")  # type: ignore[call-arg]  # both take a name


@contextmanager
def pretending(folder: Path, answer: bytes) -> Iterator[str]:
    """Something at a socket that gives the same answer to every question; yields its address."""
    path = folder / "pretender.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client, contextlib.suppress(BrokenPipeError):  # some look only whether it is there
                    client.recv(65536)
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "is not docker"),
        (b"HTTP/1.1 200 OK\r\nApi-Version: ../x\r\nContent-Length: 0\r\n\r\n", "is not docker"),
        (b"SSH-2.0\r\n", "does not answer"),
        (b"", "does not answer"),
        (b"HTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\nno!", "docker says: no!"),
        (b'HTTP/1.1 500 X\r\nContent-Length: 18\r\n\r\n{"message":"no\\n"}', "docker says: no"),
    ],
)
def test_what_is_not_docker_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, answer: bytes, reason: str
) -> None:
    with pretending(tmp_path_factory.mktemp("s"), answer) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(EngineError, match=reason):
            choose("docker")


@pytest.mark.real
def test_docker_is_found_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, daemon: DockerEngine
) -> None:
    for name, value in daemon.env.items():
        monkeypatch.setenv(name, value)
    assert isinstance(choose("auto").engine, Docker)
    assert isinstance(choose_loader("auto"), Docker)


@pytest.mark.real
def test_a_loaded_image_is_there_for_dockers_own_client(bench: Bench, daemon: DockerEngine) -> None:
    request = bench.image(Cmd=["exit", "0"])
    assert isinstance(bench.engine, Docker)
    assert bench.engine.has(request.name)
    assert not bench.engine.has("never:seen")
    document = json.loads(daemon.docker("image", "inspect", request.name))
    assert document[0]["Config"]["Entrypoint"] == ["/program"]


@pytest.mark.real
def test_an_image_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(EngineError, match="docker has no image never:seen"):
        bench.run(RunRequest(name="never:seen"))


@pytest.mark.parametrize(
    "said",
    [
        "endpoint x (1): Bind for 0.0.0.0:8080 failed: port is already allocated",
        "starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
    ],
)
def test_a_port_that_is_taken_is_named(said: str) -> None:
    error = explain(DockerRefusalError(said, status=500), RunRequest(name="shop:1"))
    assert isinstance(error, EngineError)
    assert error.message == "port 8080 of this machine is taken"


@pytest.mark.real
def test_what_is_no_archive_is_refused(docker: Docker, tmp_path: Path) -> None:
    archive = tmp_path / "archive.tar"
    archive.write_bytes(b"not a tar" * 1000)
    with pytest.raises(EngineError, match=r"docker (does not take the image|says)"):
        docker.load(archive)
    with pytest.raises(ProjectError, match="cannot read"):
        docker.load(tmp_path / "none.tar")


@pytest.mark.real
def test_no_container_is_left(bench: Bench, daemon: DockerEngine) -> None:
    bench.run(bench.image(Cmd=["exit", "1"]))
    with bench.running(bench.image(Cmd=["stubborn"])):
        assert daemon.docker("ps", "--quiet").strip()
    with pytest.raises(EngineError):
        bench.run(bench.image(User="nemo"))
    assert daemon.docker("ps", "--all", "--quiet") == ""


@pytest.mark.real
def test_in_the_hosts_network_other_ports_are_refused(bench: Bench) -> None:
    request = replace(bench.image(), ports=(PublishedPort(host=8080, container=3000),), network="auto")
    with pytest.raises(UsageError, match="port 3000 cannot be put on 8080"):
        bench.run(request)


@pytest.mark.real
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_us_stops_the_container(bench: Bench, daemon: DockerEngine, number: int) -> None:
    request = bench.image(Cmd=["wait"], StopSignal="SIGUSR1")
    here = ("docker", str(bench.folder / request.name[:14]), str(bench.folder), request.name)
    out = bench.folder / "said"
    with out.open("wb") as stream:
        env = {**daemon.env, "STARTED": str(bench.folder / "started")}
        command = Command(argv=(sys.executable, "-m", "tests.engine.run_here", *here), env=env)
        ours = SystemRunner().attached(command, stdout=stream, stderr=stream)
        while b"ready" not in out.read_bytes() or not (bench.folder / "started").exists():
            assert not ours.ended(), out.read_text()
            time.sleep(0.01)
        ours.signal(number)
        assert ours.wait() == 7
    assert out.read_text() == "ready\nsignal 10\n"
    assert daemon.docker("ps", "--all", "--quiet") == ""


@pytest.mark.real
def test_a_program_whose_reader_is_gone_is_stopped(bench: Bench) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    request = bench.image(Cmd=["wait"])
    with (
        os.fdopen(writing, "wb", buffering=0) as out,
        (bench.folder / "err").open("wb") as err,
        bench.engine.start(request, stdout=out, stderr=err) as running,
    ):
        assert running.wait() == 7


@pytest.mark.real
def test_a_daemon_on_a_port_of_this_machine_is_spoken_to(daemon: DockerEngine) -> None:
    with relayed(daemon.socket) as port:
        http = DockerHttp(parse_address(f"tcp://127.0.0.1:{port}"))
        http.connect()
        assert not Docker(http).has("never:seen")


@contextmanager
def relayed(path: Path) -> Iterator[int]:
    """A port that leads to the socket, one connection at a time."""
    server = socket.create_server(("127.0.0.1", 0))

    def copy(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX) as behind:
                behind.connect(str(path))
                back = threading.Thread(target=copy, args=(behind, client))
                back.start()
                copy(client, behind)
                behind.shutdown(socket.SHUT_RDWR)
                back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.close()
