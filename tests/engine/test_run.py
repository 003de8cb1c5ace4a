"""What must be the same on every engine."""

import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.engine.health import Question, wait_healthy
from ferrule.errors import EngineError, ImageError
from ferrule.values import PublishedPort
from tests.engine.bench import Bench
from tests.fakes.images import entry, folder, link

PATIENCE_SECONDS = 60
PASSWD = entry("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nann:x:1200:1300:Ann:/home/ann:/bin/sh\n")
GROUP = entry("etc/group", b"root:x:0:\nann:x:1300:\naudio:x:29:bob,ann\nstaff:x:50:ann\n")


def test_both_outputs_arrive_apart(bench: Bench) -> None:
    outcome = bench.run(bench.image(Cmd=["both"]))
    assert (outcome.code, outcome.out, outcome.err) == (0, "to stdout\n", "to stderr\n")


def test_the_exit_code_is_the_programs(bench: Bench) -> None:
    assert bench.run(bench.image(Cmd=["exit", "41"])).code == 41


def test_a_signal_that_ends_the_program_is_its_number_and_128(bench: Bench) -> None:
    # PID 1 is not ended by a signal of its own, so the program sends itself none: `stubborn` is killed.
    request = bench.image(Cmd=["stubborn"])
    with bench.running(request) as running:
        until(lambda: "ready" in bench.said())
        running.stop()
        time.sleep(0.3)
        assert not running.ended()
        running.stop()
        assert running.wait() == 137


def test_arguments_replace_the_images(bench: Bench) -> None:
    request = replace(bench.image(Cmd=["exit", "41"]), args=("exit", "3"))
    assert bench.run(request).code == 3


def test_the_program_is_process_one(bench: Bench) -> None:
    assert bench.run(bench.image()).one("pid") == "1"


def test_a_numeric_user_without_an_entry_has_group_zero(bench: Bench) -> None:
    outcome = bench.run(bench.image(User="4711"))
    assert (outcome.one("uid"), outcome.one("gid"), outcome.all("group")) == ("4711", "0", ["0"])
    assert "HOME=/" in outcome.all("env")


def test_user_and_group_by_number(bench: Bench) -> None:
    outcome = bench.run(bench.image(User="65532:65532"))
    assert (outcome.one("uid"), outcome.one("gid")) == ("65532", "65532")


def test_a_user_by_name_has_the_groups_and_the_home_that_the_image_says(bench: Bench) -> None:
    outcome = bench.run(bench.image(folder("etc"), PASSWD, GROUP, User="ann"))
    assert (outcome.one("uid"), outcome.one("gid")) == ("1200", "1300")
    assert set(outcome.all("group")) == {"29", "50", "1300"}
    assert "HOME=/home/ann" in outcome.all("env")


def test_a_user_that_the_image_does_not_have_is_refused(bench: Bench) -> None:
    with pytest.raises((ImageError, EngineError), match=r"(?i)nemo"):
        bench.run(bench.image(User="nemo"))


def test_the_working_folder_is_made_where_it_is_missing(bench: Bench) -> None:
    assert bench.run(bench.image(WorkingDir="/deep/in/there")).one("cwd") == "/deep/in/there"


def test_the_environment_is_the_images_with_ours_over_it(bench: Bench) -> None:
    request = replace(
        bench.image(Env=["A=image", "B=image", "WORD=\u00fc"]), env=(("B", "ours"), ("C", "a=b c"))
    )
    env = bench.run(request).all("env")
    assert {"A=image", "B=ours", "C=a=b c", "WORD=\u00fc"} <= set(env)
    assert "B=image" not in env
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in env


def test_the_images_own_path_stays(bench: Bench) -> None:
    request = bench.image(Env=["PATH=/here"], Entrypoint=["/program"])
    assert "PATH=/here" in bench.run(request).all("env")


def test_a_program_without_a_slash_is_looked_up_in_path(bench: Bench) -> None:
    request = bench.image(folder("bin"), link("bin/tool", "/program"), Entrypoint=["tool"])
    assert bench.run(request).one("pid") == "1"


def test_our_environment_does_not_leak_in(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRULE_SECRET", "do not tell")
    assert not [pair for pair in bench.run(bench.image()).all("env") if "do not tell" in pair]


def test_the_stop_signal_of_the_image_is_sent(bench: Bench) -> None:
    with bench.running(bench.image(Cmd=["wait"], StopSignal="SIGUSR1")) as running:
        until(lambda: "ready" in bench.said())
        running.stop()
        assert running.wait() == 7
        assert running.ended()
    assert bench.said() == "ready\nsignal 10\n"


def test_sigterm_is_the_stop_signal_of_an_image_that_names_none(bench: Bench) -> None:
    with bench.running(bench.image(Cmd=["wait"])) as running:
        until(lambda: "ready" in bench.said())
        running.stop()
        assert running.wait() == 7
    assert bench.said() == "ready\nsignal 15\n"


def test_a_program_that_is_left_running_is_ended(bench: Bench) -> None:
    with bench.running(bench.image(Cmd=["stubborn"])) as running:
        until(lambda: "ready" in bench.said())
        assert not running.ended()
    assert running.ended()


def test_processes_that_the_program_leaves_behind_end_with_it(bench: Bench) -> None:
    mark = secrets.token_hex(8)
    assert bench.run(bench.image(Cmd=["orphans", mark])).code == 0
    commands = [_command_line(process) for process in Path("/proc").glob("[0-9]*")]
    assert len(commands) > 1
    assert not [command for command in commands if mark in command]


def test_a_program_that_is_not_in_the_image_is_named(bench: Bench) -> None:
    with pytest.raises(ImageError, match=r'exec .?"?/nowhere.*no such file or directory'):
        bench.run(bench.image(Entrypoint=["/nowhere"]))


def test_an_image_without_a_program_is_refused(bench: Bench) -> None:
    with pytest.raises(ImageError, match="names no program"):
        bench.run(bench.image(Entrypoint=None))


def test_a_program_that_may_not_be_executed_is_refused(bench: Bench) -> None:
    with pytest.raises(ImageError, match="permission denied"):
        bench.run(bench.image(entry("data", b"x"), Entrypoint=["/data"]))


def test_much_output_arrives_whole(bench: Bench) -> None:
    outcome = bench.run(bench.image(Cmd=["flood"]))
    assert outcome.out == "".join(f"line {number}\n" for number in range(200_000))


def test_a_port_answers_until_the_program_is_stopped(bench: Bench) -> None:
    port = free_port()
    ports = (PublishedPort(host=port, container=port),)
    request = replace(bench.image(Cmd=["serve", str(port)]), ports=ports)
    with bench.running(request) as running:
        answer = wait_healthy(
            Question(port=port, path="/health"), within=PATIENCE_SECONDS, ended=running.ended
        )
        assert (answer.healthy, answer.status) == (True, 200)
        running.stop()
        running.wait()
        gone = wait_healthy(Question(port=port, path="/health"), within=PATIENCE_SECONDS, ended=running.ended)
    assert (gone.healthy, gone.reason) == (False, "the program ended")


def test_standard_devices_are_there(bench: Bench) -> None:
    names = set(bench.run(bench.image(Cmd=["list", "/dev"])).out.split())
    assert {"null", "zero", "full", "random", "urandom", "tty", "shm", "pts", "fd", "stdout"} <= names


def test_shared_memory_and_tmp_can_be_written_by_any_user(bench: Bench) -> None:
    for path in ("/dev/shm/x", "/tmp/x"):
        assert bench.run(bench.image(Cmd=["put", path], User="65532:65532")).code == 0


def test_kernel_settings_cannot_be_changed_from_inside(bench: Bench) -> None:
    outcome = bench.run(bench.image(Cmd=["put", "/proc/sys/kernel/panic_on_warn"], User="0"))
    assert outcome.code == 1
    assert "Read-only file system" in outcome.out or "Permission denied" in outcome.out


def test_names_are_resolved_as_this_machine_does(bench: Bench) -> None:
    said = _hosts(bench.run(bench.image(Cmd=["show", "/etc/hosts"])).out)
    assert _hosts(Path("/etc/hosts").read_text()) <= said


def test_an_engine_can_be_stopped_before_the_program_is_ready(bench: Bench) -> None:
    with bench.running(bench.image(Cmd=["stubborn"])) as running:
        running.stop()
        running.stop()
        assert running.wait() in (137, 143)


def _hosts(text: str) -> set[tuple[str, ...]]:
    """Each address with its names, whatever is between them: Podman writes the file anew."""
    lines = [tuple(line.partition("#")[0].split()) for line in text.splitlines()]
    return {line for line in lines if line}


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:
        return ""  # it has just ended


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.01)
