"""Verdicts from what was seen: the cases that no service shows by itself on every machine."""

from typing import Any

import pytest

from ferrule.contract import Variable
from ferrule.engine.sockets import Socket
from ferrule.errors import UsageError
from ferrule.oci.image_config import HealthCheck, RunConfig
from ferrule.values import Port
from ferrule.verbs.judge import judge
from ferrule.verbs.trial import environment
from ferrule.verbs.verdict import Check, Expected, Trials
from ferrule.verbs.verify_boot import Boot, Ended, Stopped
from ferrule.verbs.verify_health import health_source

OPEN = Socket(protocol="tcp", port=3000, address="0.0.0.0")
WELL = Stopped(seconds=0.1, code=0, killed=False, handler="handled")


def checks(seen: Boot, *, trials: dict[str, Any] | None = None, **expected: Any) -> dict[str, Check]:
    said = {"asked": "it runs", "within": 10.0, "grace": 10.0, "memory": 64 << 20, "user": "65532:65532"}
    verdict = judge(Expected(**{**said, **expected}), Trials(strict=seen, **(trials or {})))
    assert verdict.ok == all(check.ok for check in verdict.checks)
    return {check.name: check for check in verdict.checks}


def healthy(**seen: Any) -> Boot:
    return Boot(**{"healthy_after": 0.1, "sockets": (OPEN,), "stopped": WELL, **seen})


def test_a_clean_end_is_0_or_the_stop_signal_s_own_code() -> None:
    for code, ok in {0: True, 143: True, 130: False, 1: False, 137: False}.items():
        stopped = Stopped(seconds=0.1, code=code, killed=False, handler="handled")
        assert checks(healthy(stopped=stopped))["stop"].ok is ok


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        ("none", "did nothing"),
        ("ignored", "it ignores the signal"),
        ("handled", "it had the signal"),
        ("", "had"),
    ],
)
def test_why_a_program_had_to_be_killed_is_told_as_far_as_it_was_seen(handler: str, words: str) -> None:
    stopped = Stopped(seconds=10.0, code=137, killed=True, handler=handler)
    assert words in checks(healthy(stopped=stopped), stop_signal="SIGQUIT")["stop"].said


def test_every_declared_port_must_be_open_to_others_and_one_open_address_will_do() -> None:
    ports = (Port(number=3000), Port(number=53, protocol="udp"))
    local = Socket(protocol="udp", port=53, address="127.0.0.53")
    assert checks(healthy(), ports=ports[:1])["ports"].ok
    assert "nothing listens on 53/udp" in checks(healthy(), ports=ports)["ports"].said
    assert "127.0.0.53:53/udp only" in checks(healthy(sockets=(OPEN, local)), ports=ports)["ports"].said
    both = (OPEN, Socket(protocol="tcp", port=3000, address="::1"))
    assert checks(healthy(sockets=both), ports=ports[:1])["ports"].ok


def test_what_cannot_be_seen_is_not_judged() -> None:
    seen = checks(healthy(sockets=None), ports=(Port(number=3000),), version="1.0.0")
    assert set(seen) == {"health", "stop"}
    assert all(check.ok for check in seen.values())


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert "signal 60 ended it" in checks(Boot(ended=Ended(after=1.0, code=188)))["health"].said


def test_many_written_files_are_counted_and_volumes_proposed() -> None:
    written = (*(f"/srv/{number}" for number in range(7)), "/x")
    trials = {"writable": Boot(healthy_after=0.1, written=written)}
    found = checks(Boot(ended=Ended(after=0.1, code=1)), trials=trials)["files"]
    assert "and 3 more" in found.said
    assert 'volumes = ["/srv"]' in found.hint
    assert found.values["written"] == list(written)


def test_the_health_source_is_the_image_s_check_then_its_path_then_its_ports() -> None:
    labels = {"ferrule.health.path": "/h", "ferrule.health.port": "80"}
    check = HealthCheck(test=("CMD", "/x", "a b"), timeout=2_000_000_000, start_period=30_000_000_000)
    source = health_source(RunConfig(labels=labels, healthcheck=check), ())
    assert (source.command, source.seconds, source.start_period) == (("/x", "a b"), 2.0, 30.0)
    shell = health_source(RunConfig(healthcheck=HealthCheck(test=("CMD-SHELL", "curl x"))), ())
    assert shell.command == ("/bin/sh", "-c", "curl x")
    none = health_source(RunConfig(labels=labels, healthcheck=HealthCheck(test=("NONE",))), ())
    assert (none.command, none.path, none.port) == ((), "/h", 80)
    assert str(health_source(RunConfig(), (Port(number=80),))) == "it listens on 80/tcp"
    assert str(health_source(RunConfig(), ())) == "it runs"


def test_the_environment_is_what_was_given_over_the_contract_s_examples() -> None:
    contract = (
        Variable(name="URL", required=True, type="url", example="postgres://shop@localhost/shop"),
        Variable(name="TOKEN", required=True, secret=True),
        Variable(name="LEVEL", default="info"),
    )
    assert dict(environment(contract, (("TOKEN", "x"), ("MORE", "y")))) == {
        "TOKEN": "x",
        "MORE": "y",
        "URL": "postgres://shop@localhost/shop",
    }
    with pytest.raises(UsageError, match="requires TOKEN, and there is no value"):
        environment(contract, ())
    with pytest.raises(UsageError, match="requires TOKEN"):
        environment(contract, (("TOKEN", None),))
    with pytest.raises(UsageError, match="URL is not a URL") as caught:
        environment(contract, (("URL", "s3cret"), ("TOKEN", "x")))
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"
