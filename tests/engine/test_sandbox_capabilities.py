"""What a program of the sandbox gets of the capabilities of its file, and who is told that it does not."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ferrule.capability import ATTRIBUTE, ATTRIBUTE_RECORD, to_attribute
from ferrule.engine.engine import RunRequest
from ferrule.engine.sandbox import Sandbox
from tests.engine.bench import Bench
from tests.engine.test_sandbox import AS_NOBODY, run_here
from tests.engine.trees import unpacked
from tests.fakes.images import entry, hard_link
from tests.parts.need import need

BIND = "0000000000000400"
NOTHING = "0000000000000000"


def record(*names: str) -> dict[str, Any]:
    return {"pax_headers": {ATTRIBUTE_RECORD: to_attribute(names).decode("utf-8", "surrogateescape")}}


def image(bench: Bench, *names: str, **config: Any) -> RunRequest:
    """The bench's program with capabilities, which shows those that it has."""
    program = entry("able", bench.program, mode=0o755, uid=7, **record(*names))
    words = {"Entrypoint": ["/able"], "Cmd": ["show", "/proc/self/status"], "User": "65532:65532"}
    return bench.image(program, **{**words, **config})


def status(said: str) -> dict[str, str]:
    return dict(line.split(":\t") for line in said.splitlines() if line.startswith(("Cap", "NoNewPrivs")))


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def bench(sandbox_bench: Bench, told: list[str]) -> Bench:
    """The sandbox's bench, where somebody hears what a program does not get."""
    need(os.geteuid() == 0, "root, who can set a file's capabilities")
    roots = sandbox_bench.folder / "roots"
    return replace(sandbox_bench, engine=Sandbox(folder=roots, warn=told.append))


def test_unpacking_sets_the_attribute_where_the_layers_leave_it(tmp_path: Path) -> None:
    need(os.geteuid() == 0, "root, who can set a file's capabilities")
    able = record("NET_BIND_SERVICE", "SETUID")
    root = unpacked(
        tmp_path,
        [entry("a", uid=5, **able), hard_link("b", "a"), entry("c", **able), entry("d", **able)],
        [entry("c"), entry(".wh.d")],
    )
    for name in ("a", "b"):
        assert os.getxattr(root / name, ATTRIBUTE) == to_attribute(("NET_BIND_SERVICE", "SETUID"))
    assert os.listxattr(root / "c") == []


@pytest.mark.parametrize("user", ["65532:65532", "0:0"])
def test_a_program_gets_the_port_that_its_file_may_have_and_nothing_else(
    bench: Bench, told: list[str], user: str
) -> None:
    found = status(bench.run(image(bench, "NET_BIND_SERVICE", User=user)).out)
    assert (found["CapPrm"], found["CapEff"], found["CapBnd"]) == (BIND, BIND, BIND)
    assert (found["CapInh"], found["CapAmb"]) == (NOTHING, NOTHING)
    assert told == []


def test_what_could_harm_this_machine_is_given_to_nobody_and_that_is_said(
    bench: Bench, told: list[str]
) -> None:
    found = status(bench.run(image(bench, "NET_ADMIN", "NET_BIND_SERVICE")).out)
    assert set(found.values()) == {NOTHING, "1"}
    assert told == ["the program starts without NET_ADMIN: the sandbox gives it to nobody, other engines may"]


def test_another_program_s_capability_opens_nothing(bench: Bench) -> None:
    found = status(bench.run(image(bench, "NET_BIND_SERVICE", Entrypoint=["/program"])).out)
    assert set(found.values()) == {NOTHING, "1"}


def test_another_user_starts_the_program_without_it_and_is_told(sandbox_bench: Bench) -> None:
    finished = run_here(sandbox_bench, image(sandbox_bench, "NET_BIND_SERVICE"), prefix=AS_NOBODY)
    assert set(status(finished.stdout.decode()).values()) == {NOTHING, "1"}
    assert b"warning: the program starts without NET_BIND_SERVICE: only root can" in finished.stderr


def test_a_program_behind_the_init_gets_what_its_own_file_says(bench: Bench, aids: dict[str, bytes]) -> None:
    init = entry(".ferrule/init", aids["init"], mode=0o755)
    program = entry("able", bench.program, mode=0o755, **record("NET_BIND_SERVICE"))
    words = {"Entrypoint": ["/.ferrule/init", "--", "/able"], "Cmd": ["show", "/proc/self/status"]}
    shown = bench.run(bench.image(init, program, **words, User="65532:65532"))
    assert status(shown.out)["CapEff"] == BIND
