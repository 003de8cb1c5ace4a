"""How a program starts when it is tried out, and what can be asked of it: the same on every engine."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ferrule.engine.ask_inside import ask_inside
from ferrule.engine.engine import Running, RunRequest
from ferrule.engine.inside import Strict
from ferrule.engine.processes import memory
from ferrule.engine.sockets import listening
from ferrule.process import Command, SystemRunner
from tests.engine.bench import Bench
from tests.engine.test_run import PATIENCE_SECONDS, free_port, until
from tests.engine.test_sandbox import AS_NOBODY
from tests.engine.test_sandbox_capabilities import image as able_image
from tests.engine.test_sandbox_capabilities import status
from tests.fakes.images import entry, folder

NOTHING = "0000000000000000"
BIND = "0000000000000400"
MEBIBYTE = 1 << 20
TIME_TO_START = 5
"""Seconds that any engine takes at most to start a command in a container, on a busy machine too."""


def strictly(request: RunRequest, **how: Any) -> RunRequest:
    return replace(request, strict=Strict(**how))


def ready(bench: Bench, running: Running) -> Callable[[], bool]:
    return lambda: "ready" in bench.said() and running.inside.process() is not None


def shown(running: Running, *words: str) -> str:
    executed = running.inside.execute(("/program", *words), PATIENCE_SECONDS)
    assert executed.code == 0, executed.output
    return executed.output


def test_the_root_is_read_only_and_tmp_and_the_volumes_are_not(bench: Bench) -> None:
    volume = (folder("data", 0o700, uid=65532, gid=65532), entry("data/kept", b"kept", uid=65532, gid=65532))
    request = strictly(bench.image(*volume, Cmd=["wait"], User="65532:65532", Volumes={"/data": {}}))
    with bench.running(request) as running:
        until(ready(bench, running))
        assert (
            "Read-only file system"
            in running.inside.execute(("/program", "put", "/x"), PATIENCE_SECONDS).output
        )
        assert shown(running, "show", "/data/kept") == "kept"
        for path in ("/data/x", "/tmp/x"):
            assert shown(running, "put", path) == ""
            assert shown(running, "show", path) == "1\n"


def test_it_has_no_capability_and_no_way_to_one(bench: Bench) -> None:
    outcome = bench.run(strictly(bench.image(Cmd=["show", "/proc/self/status"], User="0")))
    found = status(outcome.out)
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {NOTHING}
    assert found["NoNewPrivs"] == "1"


def test_what_the_program_s_file_gives_is_given(bench: Bench) -> None:
    request = strictly(able_image(bench, "NET_BIND_SERVICE"), capabilities=("NET_BIND_SERVICE",))
    found = status(bench.run(request).out)
    assert (found["CapEff"], found["CapBnd"]) == (BIND, BIND)


def test_its_network_is_loopback_alone(bench: Bench) -> None:
    request = strictly(bench.image(Cmd=["serve", "3000"]))
    with bench.running(request) as running:
        until(lambda: running.inside.process() is not None)
        devices = shown(running, "show", "/proc/net/dev")
        up = [line.split(":")[0].strip() for line in devices.splitlines() if ":" in line]
        assert set(up) - {
            "tunl0",
            "gre0",
            "sit0",
            "ip6tnl0",
            "gretap0",
            "erspan0",
            "ip_vti0",
            "ip6_vti0",
        } == {"lo"}
        assert "0A" not in shown(running, "show", "/proc/net/route")
        assert shown(running, "show", "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "1024\n"
        process = running.inside.process()
        assert process is not None
        assert Path(f"/proc/{process}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        answer = ask_inside(process, 3000, "/")
        assert (answer and answer.status, answer and answer.body) == (200, "ok")
        assert ask_inside(process, 3001, "/") is None


def test_a_command_runs_inside_with_the_image_s_user_folder_and_variables(bench: Bench) -> None:
    request = strictly(
        bench.image(Cmd=["wait"], User="4711:42", WorkingDir="/deep/in", Env=["A=image", "B=image"])
    )
    with bench.running(replace(request, env=(("B", "ours"),))) as running:
        until(ready(bench, running))
        said = shown(running, "facts").splitlines()
        assert {"uid 4711", "gid 42", "cwd /deep/in", "env A=image", "env B=ours"} <= set(said)
        assert "pid 1" not in said
        assert running.inside.execute(("/program", "exit", "3"), PATIENCE_SECONDS).code == 3
        assert running.inside.execute(("/nowhere",), PATIENCE_SECONDS).code in (125, 126, 127)
        both = running.inside.execute(("/program", "both"), PATIENCE_SECONDS)
        assert sorted(both.output.split("\n")) == ["", "to stderr", "to stdout"]


def test_a_command_that_takes_too_long_is_given_up(bench: Bench) -> None:
    with bench.running(strictly(bench.image(Cmd=["wait"]))) as running:
        until(ready(bench, running))
        executed = running.inside.execute(("/program", "say", "600"), TIME_TO_START)
        assert (executed.code, executed.output) == (None, "before\n")
        assert [
            running.inside.execute(("/program", "exit", code), PATIENCE_SECONDS).code for code in "305"
        ] == [3, 0, 5]


def test_a_program_that_ended_has_no_number_and_no_commands_run_in_it(bench: Bench) -> None:
    with bench.running(strictly(bench.image(Cmd=["exit", "3"]))) as running:
        assert running.wait() == 3
        assert running.inside.process() is None
        assert running.inside.execute(("/program", "exit", "0"), PATIENCE_SECONDS).code != 0
        assert not running.inside.out_of_memory()


def test_memory_has_a_limit_and_who_takes_more_is_ended(bench: Bench) -> None:
    with bench.running(strictly(bench.image(Cmd=["eat", "400"]), memory=64 * MEBIBYTE)) as running:
        assert running.wait() == 137
        assert running.inside.out_of_memory()


def test_memory_within_the_limit_can_be_measured(bench: Bench) -> None:
    with bench.running(strictly(bench.image(Cmd=["eat", "20"]), memory=64 * MEBIBYTE)) as running:
        until(ready(bench, running))
        process = running.inside.process()
        assert process is not None
        assert 20 * MEBIBYTE <= memory(process) < 40 * MEBIBYTE
        assert not running.ended()


def test_what_is_written_into_a_writable_root_is_told(bench: Bench) -> None:
    content = (folder("etc"), entry("etc/motd", b"old"), folder("log"))
    request = bench.image(*content, Cmd=["put", "/etc/motd"])
    with bench.running(strictly(request, writable=True)) as running:
        assert running.wait() == 0
        assert running.inside.written() == ("/etc/motd",)
    for kept in ("/tmp/new", "/data/new"):
        data = bench.image(folder("data"), Cmd=["put", kept], Volumes={"/data": {}})
        with bench.running(strictly(data, writable=True)) as running:
            assert running.wait() == 0
            assert running.inside.written() == ()
    with bench.running(strictly(replace(request, args=("put", "/log/new")), writable=True)) as running:
        assert running.wait() == 0
        assert running.inside.written() == ("/log/new",)
    with bench.running(strictly(request)) as running:
        assert running.wait() == 1
        assert running.inside.written() == ()


def test_another_user_can_be_tried(bench: Bench) -> None:
    request = strictly(bench.image(User="65532:65532"), user="0:0")
    assert bench.run(request).one("uid") == "0"


def test_the_time_of_grace_is_kept(bench: Bench) -> None:
    with bench.running(replace(strictly(bench.image(Cmd=["stubborn"])), grace=1)) as running:
        until(ready(bench, running))
        running.stop()
        assert running.wait() == 137


def test_an_engine_says_how_an_image_of_its_own_starts(bench: Bench) -> None:
    loader = bench.engine.loader
    if loader is None:
        return
    check = {"Test": ["CMD", "/program", "x"], "Interval": 30_000_000_000}
    request = bench.image(Cmd=["wait"], User="7", ExposedPorts={"80/tcp": {}}, Healthcheck=check)
    found = loader.config(request.name)
    assert (found.entrypoint, found.cmd, found.user) == (("/program",), ("wait",), "7")
    assert found.exposed_ports == {"80/tcp": {}}
    if bench.engine.name == "docker":
        assert found.healthcheck is not None
        assert found.healthcheck.test == ("CMD", "/program", "x")


@pytest.mark.parametrize("network", ["none", "host"])
def test_another_user_can_try_a_program_out_in_a_sandbox(
    network: str, sandbox_bench: Bench, tmp_path: Path
) -> None:
    request = sandbox_bench.image(Cmd=["eat", "20"], User="65532:65532")
    tmp_path.chmod(0o755)
    code = (
        "import sys, time; from pathlib import Path; from msgspec.structs import replace; "
        "from ferrule.engine.engine import RunRequest; from ferrule.engine.inside import Strict; "
        "from ferrule.engine.ask_inside import ask_inside; from ferrule.engine.processes import memory; "
        "from ferrule.engine.sandbox import Sandbox; from ferrule.image.layout import read_layout; "
        "from tests.fakes.images import AMD64; image = read_layout(Path(sys.argv[1]), 'latest', AMD64); "
        "strict = Strict(memory=64 << 20, host_network=sys.argv[2] == 'host'); "
        "request = RunRequest(name='x', image=image, strict=strict); "
        "out = open('/dev/null', 'wb'); running = Sandbox().start(request, stdout=out, stderr=out); "
        "running.__enter__(); inside = running.inside\n"
        "while not inside.process() or memory(inside.process()) < 20 << 20: time.sleep(0.01)\n"
        "print(inside.execute(('/program', 'put', '/tmp/x'), 60).code, "
        "inside.execute(('/program', 'put', '/x'), 60).code, "
        "inside.execute(('/program', 'exit', '3'), 60).code, ask_inside(inside.process(), 1, '/'))\n"
        "running.__exit__(None, None, None)"
    )
    layout = sandbox_bench.folder / request.name[:14]
    finished = SystemRunner().run(
        Command(argv=(*AS_NOBODY, sys.executable, "-c", code, str(layout), network))
    )
    assert (finished.stdout, finished.stderr) == (b"0 1 3 None\n", b"")


def test_the_network_of_this_machine_can_be_asked_for(bench: Bench) -> None:
    port = free_port()
    request = strictly(bench.image(Cmd=["serve", str(port)], User="65532:65532"), host_network=True)
    with bench.running(request) as running:
        until(lambda: running.inside.process() is not None)
        process = running.inside.process()
        assert process is not None
        until(lambda: bool(listening(process)))
        assert [str(each) for each in listening(process)] == [f"127.0.0.1:{port}"]
        answer = ask_inside(process, port, "/")
        assert answer is not None
        assert answer.body == "ok"
        assert running.inside.execute(("/program", "put", "/x"), PATIENCE_SECONDS).code == 1
