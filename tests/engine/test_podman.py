"""What is Podman's alone; `test_run.py` has what is the same on every engine."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.engine.choose import choose
from ferrule.engine.engine import RunRequest
from ferrule.engine.podman import Podman
from ferrule.engine.podman_container import explain, may_be_network, variables_of
from ferrule.errors import EngineError, UsageError
from ferrule.process import Command, SystemRunner
from ferrule.values import PublishedPort
from tests.engine.bench import Bench
from tests.parts.podman import PodmanEngine

NO_BRIDGE = """\
#!/bin/sh
echo '{"error":"Operation not supported (os error 95)"}'
exit 1
"""


@pytest.fixture
def bench(podman: Podman, tmp_path: Path, program: bytes) -> Bench:
    return Bench(engine=podman, folder=tmp_path, program=program)


@pytest.mark.real
def test_a_loaded_image_is_there_for_podman_itself(
    bench: Bench, podman: Podman, podman_here: PodmanEngine
) -> None:
    request = bench.image(Cmd=["both"])
    assert podman.has(request.name)
    assert not podman.has("never:seen")
    assert podman_here.podman("run", "--rm", "--network", "host", request.name) == "to stdout\n"


@pytest.mark.real
def test_what_is_no_archive_is_refused(podman: Podman, tmp_path: Path) -> None:
    archive = tmp_path / "archive.tar"
    archive.write_bytes(b"not a tar" * 1000)
    with pytest.raises(EngineError, match="podman does not take the image"):
        podman.load(archive)


def test_podman_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="podman is not installed"):
        choose("podman")
    with pytest.raises(EngineError, match="podman is not installed"):
        Podman().load(tmp_path / "archive.tar")


@pytest.mark.real
def test_an_image_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(EngineError, match="podman has no image never:seen"):
        bench.run(RunRequest(name="never:seen"))


@pytest.mark.real
def test_an_image_of_the_same_name_on_localhost_is_not_taken_for_ours(
    bench: Bench, podman_here: PodmanEngine
) -> None:
    request, other = bench.image(Cmd=["exit", "3"]), bench.image(Cmd=["exit", "4"])
    podman_here.podman("tag", other.name, f"localhost/{request.name}")
    assert bench.run(request).code == 3
    assert bench.run(replace(request, image=None)).code == 4


@pytest.mark.real
def test_a_program_may_end_with_the_code_of_podmans_own_failures(bench: Bench) -> None:
    assert bench.run(bench.image(Cmd=["exit", "125"])).code == 125


@pytest.mark.real
def test_unlike_docker_podman_says_in_the_environment_who_runs(bench: Bench) -> None:
    assert "container=podman" in bench.run(bench.image()).all("env")


@pytest.mark.real
def test_a_proxy_of_ours_is_not_handed_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:secret@127.0.0.1:1")
    assert not [pair for pair in bench.run(bench.image()).all("env") if "secret" in pair]


@pytest.mark.real
def test_no_container_is_left(bench: Bench, podman_here: PodmanEngine) -> None:
    bench.run(bench.image(Cmd=["exit", "1"]))
    with bench.running(bench.image(Cmd=["stubborn"])):
        assert podman_here.podman("ps", "--all", "--quiet").strip()
    with pytest.raises(EngineError):
        bench.run(bench.image(User="nemo"))
    assert podman_here.podman("ps", "--all", "--quiet") == ""
    assert (bench.folder / "err").read_text() == ""


@pytest.mark.real
def test_without_a_bridge_the_hosts_network_is_taken(
    bench: Bench, podman_here: PodmanEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers = bench.folder / "helpers"
    helpers.mkdir()
    (helpers / "netavark").write_text(NO_BRIDGE)
    (helpers / "netavark").chmod(0o755)
    settings = Path(podman_here.env["CONTAINERS_CONF"]).read_text()
    ours = bench.folder / "containers.conf"
    ours.write_text(
        settings.replace("[network]", f'helper_binaries_dir = ["{helpers}"]\n[network]')
        + 'network_backend = "netavark"\n'
    )
    monkeypatch.setenv("CONTAINERS_CONF", str(ours))
    request = replace(bench.image(Cmd=["exit", "3"]), network="auto")
    with pytest.raises(EngineError, match=r"podman does not run the image: .*not supported"):
        bench.run(replace(request, network="bridge"))
    assert bench.run(request).code == 3
    with pytest.raises(UsageError, match="port 3000 cannot be put on 8080"):
        bench.run(replace(request, ports=(PublishedPort(host=8080, container=3000),)))
    assert podman_here.podman("ps", "--all", "--quiet") == ""


def test_a_port_that_is_taken_is_named() -> None:
    said = "cannot listen on the TCP port: listen tcp4 :8080: bind: address already in use"
    error = explain(said, RunRequest(name="shop:1"))
    assert isinstance(error, EngineError)
    assert error.message == "port 8080 of this machine is taken"


def test_a_program_that_podman_itself_lacks_is_not_taken_for_the_images() -> None:
    said = (
        'plugin type="bridge" failed (add): cni plugin bridge failed: failed to locate iptables: '
        'exec: "iptables": executable file not found in $PATH'
    )
    error = explain(said, RunRequest(name="shop:1"))
    assert isinstance(error, EngineError)
    assert (error.message, error.hint) == (f"podman makes no network here: {said}", "use --network host")
    assert may_be_network(said)
    assert not may_be_network('crun: exec: "/x": no such file or directory')


def test_no_value_is_on_a_command_line_that_everybody_can_read_nor_in_a_file() -> None:
    variables = (("TOKEN", "s3cret"), ("KEY", "s3cret\n"), ("GONE", None))
    handed_on = variables_of(RunRequest(name="shop:1", env=variables))
    assert handed_on.words == ("--env-file", "/dev/stdin", "--env", "KEY", "--unsetenv", "GONE")
    assert handed_on.stdin == b"TOKEN=s3cret\n"
    assert handed_on.env == {"KEY": "s3cret\n"}
    assert variables_of(RunRequest(name="shop:1")).words == ()


@pytest.mark.real
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_us_stops_the_container(bench: Bench, podman_here: PodmanEngine, number: int) -> None:
    request = bench.image(Cmd=["wait"], StopSignal="SIGUSR1")
    here = ("podman", str(bench.folder / request.name[:14]), str(bench.folder), request.name)
    out = bench.folder / "said"
    with out.open("wb") as stream:
        env = {"STARTED": str(bench.folder / "started")}
        command = Command(argv=(sys.executable, "-m", "tests.engine.run_here", *here), env=env)
        ours = SystemRunner().attached(command, stdout=stream, stderr=stream)
        while b"ready" not in out.read_bytes() or not (bench.folder / "started").exists():
            assert not ours.ended(), out.read_text()
            time.sleep(0.01)
        ours.signal(number)
        assert ours.wait() == 7
    assert out.read_text() == "ready\nsignal 10\n"
    assert podman_here.podman("ps", "--all", "--quiet") == ""


@pytest.mark.real
def test_a_program_whose_reader_is_gone_is_stopped(bench: Bench) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with (
        os.fdopen(writing, "wb", buffering=0) as out,
        (bench.folder / "err").open("wb") as err,
        bench.engine.start(bench.image(Cmd=["wait"]), stdout=out, stderr=err) as running,
    ):
        assert running.wait() == 7
