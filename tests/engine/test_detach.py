"""Programs that run on without us: what must be the same on every engine."""

import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from ferrule.engine.engine import STOP_GRACE_SECONDS, Detached, RunRequest
from ferrule.engine.health import Question, wait_healthy
from ferrule.errors import EngineError, ImageError, UsageError
from ferrule.values import PublishedPort
from tests.engine.bench import Bench
from tests.engine.test_run import PATIENCE_SECONDS, free_port, until

NAME = "ferrule-test"


@pytest.fixture
def detached(bench: Bench) -> Iterator[Bench]:
    """A bench on which nothing of the name is left, whatever a test did."""
    yield bench
    left = bench.engine.find(NAME)
    if left is not None:
        left.stop(0)


def started(bench: Bench, request: RunRequest) -> Detached:
    """The program when it is ready: it has said so."""
    program = bench.engine.detach(request, NAME)
    until(lambda: "ready" in program.last_lines(9))
    return program


def test_a_detached_program_runs_on_and_is_found_by_its_name(detached: Bench) -> None:
    program = started(detached, detached.image(Cmd=["wait"]))
    assert program.name == NAME
    assert not program.ended()
    assert detached.engine.running() == (NAME,)
    found = detached.engine.find(NAME)
    assert found is not None
    assert not found.ended()
    assert found.last_lines(9) == "ready\n"
    assert NAME in found.output


def test_stop_sends_the_signal_of_the_image_and_leaves_nothing(detached: Bench) -> None:
    program = started(detached, detached.image(Cmd=["wait"], StopSignal="SIGUSR1"))
    assert program.stop(10) == 7
    assert program.ended()
    assert detached.engine.find(NAME) is None
    assert detached.engine.running() == ()


def test_a_program_that_does_not_stop_is_ended_after_its_time(detached: Bench) -> None:
    program = started(detached, detached.image(Cmd=["stubborn"]))
    begin = time.monotonic()
    assert program.stop(1) == 137
    assert 0.9 < time.monotonic() - begin < STOP_GRACE_SECONDS
    assert started(detached, detached.image(Cmd=["stubborn"])).stop(0) == 137


def test_a_program_that_ended_by_itself_is_known_until_it_is_stopped(detached: Bench) -> None:
    program = detached.engine.detach(detached.image(Cmd=["exit", "3"]), NAME)
    until(program.ended)
    assert detached.engine.running() == ()
    found = detached.engine.find(NAME)
    assert found is not None
    assert found.stop(10) == 3
    assert detached.engine.find(NAME) is None


def test_both_outputs_are_kept(detached: Bench) -> None:
    program = detached.engine.detach(detached.image(Cmd=["both"]), NAME)
    until(program.ended)
    assert sorted(program.last_lines(9).splitlines()) == ["to stderr", "to stdout"]


def test_the_last_lines_are_the_last(detached: Bench) -> None:
    program = detached.engine.detach(detached.image(Cmd=["flood"]), NAME)
    until(program.ended)
    assert program.last_lines(2) == "line 199998\nline 199999\n"


def test_a_name_in_use_is_refused_and_its_program_runs_on(detached: Bench) -> None:
    program = started(detached, detached.image(Cmd=["wait"]))
    with pytest.raises(UsageError, match=f"the name {NAME} is in use") as caught:
        detached.engine.detach(detached.image(Cmd=["wait"]), NAME)
    assert f"ferrule stop {NAME}" in caught.value.hint
    assert not program.ended()
    assert program.stop(10) == 7


@pytest.mark.parametrize("config", [{"Entrypoint": ["/nowhere"]}, {"Entrypoint": None}, {"User": "nemo"}])
def test_what_cannot_start_leaves_its_name_free(detached: Bench, config: dict[str, object]) -> None:
    with pytest.raises((ImageError, EngineError)):
        detached.engine.detach(detached.image(**config), NAME)
    assert detached.engine.find(NAME) is None


def test_a_name_that_nobody_has_is_not_found(detached: Bench) -> None:
    assert detached.engine.find(NAME) is None
    assert detached.engine.running() == ()


def test_a_detached_service_answers(detached: Bench) -> None:
    port = free_port()
    ports = (PublishedPort(host=port, container=port),)
    request = replace(detached.image(Cmd=["serve", str(port)]), ports=ports)
    program = detached.engine.detach(request, NAME)
    assert wait_healthy(
        Question(port=port, path="/health"), within=PATIENCE_SECONDS, ended=program.ended
    ).healthy
    assert program.stop(10) == 7
    assert (
        wait_healthy(Question(port=port, path="/"), within=1, ended=lambda: False).reason
        == f"nothing listens on port {port}"
    )
