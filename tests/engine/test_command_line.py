"""`ferrule run` and `ferrule stop` as a person types them: what must be the same on every engine."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ferrule.process import Command, Finished, SystemRunner
from tests.engine.conftest import ENGINES
from tests.engine.test_run import free_port, until
from tests.fakes.images import entry, folder, image_of, tar_of
from tests.probe.servers import deserted

NAME = "ferrule-typed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """An engine by its name, what makes ferrule find it, and a folder for what it is given."""

    engine: str
    env: dict[str, str]
    folder: Path
    program: bytes

    def ferrule(self, *arguments: str) -> Finished:
        return SystemRunner().run(Command(argv=(sys.executable, "-m", "ferrule", *arguments), env=self.env))

    def run(self, image: str, *arguments: str) -> Finished:
        flags = ("--engine", self.engine, "--network", "host")
        return self.ferrule("run", image, *flags, *arguments)

    def stop(self, *arguments: str) -> Finished:
        return self.ferrule("stop", "--engine", self.engine, *arguments)

    def written(self, started: Finished) -> bytes:
        """What a detached program has written, where ferrule says that it stands."""
        said = re.search(r"^what it writes: (.*)$", started.stderr.decode(), re.MULTILINE)
        assert said, started.stderr
        words = ("cat", said[1]) if self.engine == "sandbox" else tuple(said[1].split())
        return SystemRunner().run(Command(argv=words, env=self.env)).stdout

    def image(self, *cmd: str, **labels: str) -> str:
        layer = tar_of((folder("tmp", 0o1777), entry("program", self.program, mode=0o755)))
        place = self.folder / f"image{len(list(self.folder.glob('image*')))}"
        image_of(place, [layer], Entrypoint=["/program"], Cmd=list(cmd), Labels=labels)
        return f"oci:{place}"

    def service(self, port: int) -> str:
        health = {"ferrule.health.path": "/health", "ferrule.health.port": str(port)}
        return self.image("serve", str(port), **health)


@pytest.fixture(params=ENGINES)
def typed(request: pytest.FixtureRequest, tmp_path: Path, program: bytes) -> Iterator[Typed]:
    env = {"XDG_STATE_HOME": str(tmp_path / "state"), "FERRULE_CACHE_DIR": str(tmp_path / "cache")}
    if request.param == "docker":
        env |= request.getfixturevalue("daemon").env
    elif request.param == "podman":
        env |= request.getfixturevalue("podman_here").env
    else:
        env["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    made = Typed(engine=request.param, env=env, folder=tmp_path, program=program)
    yield made
    made.stop("--time", "0", NAME)


def error_of(finished: Finished) -> tuple[str, str]:
    """The cause and the hint; nothing else may stand behind them, and nothing on stdout."""
    assert finished.stdout == b""
    error, hint = finished.stderr.decode().splitlines()[-2:]
    assert (error[:7], hint[:6]) == ("error: ", "hint: ")
    return error[7:], hint[6:]


def test_a_detached_program_is_printed_and_stopped_by_its_name(typed: Typed) -> None:
    started = typed.run(typed.image("wait"), "--detach", "--name", NAME)
    assert (started.returncode, started.stdout) == (0, f"{NAME}\n".encode()), started.stderr
    assert re.search(rf"^what it writes: .*{NAME}", started.stderr.decode(), re.MULTILINE)
    until(lambda: b"ready" in typed.written(started))  # before, it has no handler for the signal
    stopped = typed.stop("-v", NAME)
    assert (stopped.returncode, stopped.stdout) == (0, f"{NAME}\n".encode()), stopped.stderr
    assert stopped.stderr == f"{NAME} ended with exit code 7\n".encode()


def test_a_name_that_is_not_given_is_made(typed: Typed) -> None:
    started = typed.run(typed.image("wait"), "-d")
    name = started.stdout.decode().strip()
    assert re.fullmatch(r"ferrule-run-[0-9a-f]{6}", name), started.stderr
    assert typed.stop(name).stdout == started.stdout


def test_wait_returns_when_it_is_healthy(typed: Typed) -> None:
    started = typed.run(typed.service(free_port()), "-d", "--name", NAME, "--wait")
    assert (started.returncode, started.stdout) == (0, f"{NAME}\n".encode()), started.stderr
    assert b"\nhealthy after " in started.stderr
    assert typed.stop(NAME).returncode == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [(("both",), "the program ended"), (("wait",), "nothing listens on port")],
)
def test_what_does_not_become_healthy_is_stopped_and_its_last_lines_are_shown(
    typed: Typed, words: tuple[str, ...], reason: str
) -> None:
    patience = "2" if words == ("wait",) else "60"
    flags = ("-d", "--name", NAME, "--wait", "--wait-timeout", patience)
    with deserted() as port:
        failed = typed.run(typed.service(port), *flags, "--", *words)
    cause, hint = error_of(failed)
    assert failed.returncode == 6
    assert cause.startswith(f"{NAME} was not healthy after ")
    assert reason in cause
    assert "--wait-timeout" in hint
    last = {"both": b"\nto stdout\n", "wait": b"\nready\n"}
    assert last[words[0]] in failed.stderr
    assert typed.stop(NAME).returncode == 2


def test_a_name_in_use_is_refused_before_anything_starts(typed: Typed) -> None:
    assert typed.run(typed.image("wait"), "-d", "--name", NAME).returncode == 0
    # Were it to look at the image first, it would say something else.
    refused = typed.run("oci:/nowhere", "-d", "--name", NAME)
    assert refused.returncode == 2
    assert error_of(refused) == (
        f"the name {NAME} is in use",
        f"ferrule stop {NAME}, or choose another --name",
    )
    assert typed.stop(NAME).returncode == 0


def test_a_name_is_free_again_when_its_program_has_ended(typed: Typed) -> None:
    first, second = typed.image("exit", "3"), typed.image("exit", "4")
    assert typed.run(first, "-d", "--name", NAME).returncode == 0
    until(lambda: typed.run(second, "-d", "--name", NAME).returncode == 0)
    stopped = typed.stop("-v", NAME)
    assert stopped.returncode == 0
    assert re.search(r"ended.* with exit code 4$", stopped.stderr.decode())


def test_an_unknown_name_is_told_with_those_that_run(typed: Typed) -> None:
    assert typed.run(typed.image("wait"), "-d", "--name", NAME).returncode == 0
    refused = typed.stop("nobody", "nothing")
    assert refused.returncode == 2
    assert error_of(refused) == (
        "nothing that ferrule started is named nobody or nothing",
        f"running: {NAME}",
    )
    both = typed.stop("nobody", NAME)
    assert (both.returncode, both.stdout) == (2, f"{NAME}\n".encode())
    assert error_of(typed.stop(NAME))[1] == "nothing that ferrule started is running"


def test_variables_come_from_files_and_flags_and_here(typed: Typed) -> None:
    file = typed.folder / "app.env"
    file.write_text("# secrets\nA=file\nB=file\nHERE\n\nNOWHERE\n")
    typed.env["HERE"] = "ours"
    flags = ("--env-file", str(file), "-e", "B=flag", "-e", "HOME", "-e", "NOWHERE")
    said = typed.run(typed.image("facts"), *flags).stdout.decode()
    assert {"env A=file", "env B=flag", "env HERE=ours"} <= set(said.splitlines())
    assert "NOWHERE" not in said


def test_a_folder_is_mounted_in_both_forms(typed: Typed) -> None:
    place = typed.folder / "data"
    place.mkdir()
    (place / "file").write_text("mounted\n")
    for form in ("{}:/data", "{}:/data:ro", "type=bind,source={},target=/data,readonly"):
        finished = typed.run(typed.image("show", "/data/file"), "--mount", form.format(place))
        assert finished.stdout == b"mounted\n", finished.stderr


def test_wait_reads_the_labels_of_an_image_that_only_the_engine_has(typed: Typed) -> None:
    if typed.engine == "sandbox":
        return  # it keeps no images
    port = free_port()
    assert typed.run(typed.service(port), "--", "exit", "0").returncode == 0  # loads it
    started = typed.run("ferrule-run:latest", "-d", "--name", NAME, "--wait", "-p", str(port))
    assert started.stdout == f"{NAME}\n".encode(), started.stderr
    assert f"http://127.0.0.1:{port}/health".encode() in started.stderr
    assert typed.stop(NAME).returncode == 0
