"""The Quadlet, judged by Podman's own generator: each value arrives in Podman's command line as it was."""

import json
import re
import tempfile
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferrule.contract import Variable
from ferrule.generate import systemd
from ferrule.generate.check import check_words
from ferrule.generate.given import volumes_of
from ferrule.generate.marked import drafted
from ferrule.generate.service import Service
from ferrule.health import Health
from ferrule.values import Port
from tests.generate.deployed import DIGEST, FULL, MADE, SERVICES, TINY
from tests.generate.judge_systemd import findings, made_units
from tests.generate.unit_reader import raw, read_unit, words


def container(service: Service) -> list[tuple[str, str]]:
    """The keys and raw values of the Quadlet."""
    text = next(draft.text for draft in systemd.drafts(service) if draft.path.endswith(".container"))
    return read_unit(text)["Container"]


def values(service: Service, key: str) -> list[str]:
    return [value for name, value in container(service) if name == key]


def written(service: Service, folder: Path) -> Path:
    """The files as they lie in a project, with their marks; gives their own folder."""
    for draft in systemd.drafts(service):
        path = folder / draft.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(drafted(None, draft.kind, draft.text, force=False))
    return folder / systemd.FOLDER


def test_what_the_service_is_stands_in_its_quadlet() -> None:
    assert values(FULL, "Image") == [f"ghcr.io/acme/shop@{DIGEST}"]
    assert values(FULL, "PublishPort") == [
        "127.0.0.1:3000:3000/tcp",
        "127.0.0.1:53:53/udp",
        "127.0.0.1:53:53/tcp",
    ]
    assert values(FULL, "EnvironmentFile") == ["/etc/shop.env"]
    assert values(FULL, "Volume") == ["shop-data:/data", "shop-var-lib-a-b:/var/lib/a b"]
    assert (values(FULL, "User"), values(FULL, "Group")) == (["20000"], ["20001"])
    assert values(FULL, "AddCapability") == ["CAP_NET_BIND_SERVICE"]
    assert values(FULL, "Sysctl") == ["net.ipv4.ip_unprivileged_port_start=53"]
    assert values(FULL, "StopSignal") == ["SIGINT"]
    for key, value in (("ReadOnly", "true"), ("NoNewPrivileges", "true"), ("DropCapability", "all")):
        assert values(FULL, key) == values(TINY, key) == [value]


def test_a_service_that_needs_nothing_gets_nothing() -> None:
    needless = {"PublishPort", "EnvironmentFile", "Volume", "AddCapability", "Sysctl", "HealthCmd"}
    assert not needless & {key for key, _ in container(TINY)}
    assert values(Service(name="a", contract=(Variable(name="A", default="b"),)), "EnvironmentFile") == []


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("shop:1", "docker.io/library/shop:1"),
        ("acme/shop:1", "docker.io/acme/shop:1"),
        ("localhost/shop:1", "localhost/shop:1"),
        ("127.0.0.1:5000/shop:1", "127.0.0.1:5000/shop:1"),
    ],
)
def test_an_image_has_its_registry(image: str, whole: str) -> None:
    service = Service(name="a", image=image)
    assert values(service, "Image") == [whole]
    # What a registry has under a name without one is somebody else's.
    assert values(service, "Pull") == (["never"] if "/" not in image else [])


def test_only_liveness_starts_it_anew() -> None:
    ports = (Port(number=80),)
    told = Service(name="a", ports=ports, health=Health(path="/health", interval=90, start_period=0.5))
    assert values(told, "HealthOnFailure") == ["none"]
    assert values(told, "HealthCmd") == ['["/.ferrule/probe", "-t", "4500", "http://localhost:80/health"]']
    assert (values(told, "HealthInterval"), values(told, "HealthStartPeriod")) == (["90s"], ["0.5s"])
    alive = Service(name="a", ports=ports, health=Health(path="/health", live="/live"))
    assert values(alive, "HealthOnFailure") == ["kill"]
    assert values(alive, "HealthCmd") == ['["/.ferrule/probe", "-t", "4500", "http://localhost:80/live"]']
    own = Service(name="a", health=Health(command=("/app/check",)))
    assert values(own, "HealthCmd") == ["CMD /app/check"]


def told(service: Service) -> Service:
    """With an image that is one: a reference has no quotes and no blanks."""
    return msgspec.structs.replace(service, image="ghcr.io/acme/tiny:1")


@settings(max_examples=300)
@given(service=MADE.map(told))
def test_every_value_comes_back_unchanged(service: Service) -> None:
    found = container(service)
    volumes = [raw(value) for key, value in found if key == "Volume"]
    volumes += [words(value)[1] for key, value in found if key == "PodmanArgs"]
    assert sorted(volumes) == sorted(
        f"{service.label}-{each.name}:{each.path}" for each in volumes_of(service)
    )
    check = check_words(service)
    if len(check) > 1:
        (said,) = (raw(value) for key, value in found if key == "HealthCmd")
        assert tuple(json.loads(said)) == check


def named(service: Service) -> list[str]:
    return sorted(f"{service.label}-{each.name}:{each.path}" for each in volumes_of(service))


def is_kept_by_podman(service: Service) -> bool:
    """Podman's generator writes U+0080 to U+009F as one byte each, which is no letter for systemd."""
    return re.search("[\x80-\x9f]", "".join((*service.volumes, *check_words(service)))) is None


@pytest.mark.real
@settings(max_examples=4, suppress_health_check=[HealthCheck.filter_too_much])
@given(services=st.lists(MADE.map(told).filter(is_kept_by_podman), min_size=10, max_size=20))
def test_podman_gets_every_value(services: list[Service]) -> None:
    known = {f"tiny{n}": msgspec.structs.replace(each, name=f"tiny{n}") for n, each in enumerate(services)}
    with tempfile.TemporaryDirectory() as folder:
        for name, service in known.items():
            (written(service, Path(folder)) / f"{name}.service").unlink()
        units, against = made_units(Path(folder) / systemd.FOLDER)
    assert against == ""
    assert set(units) == {f"{name}.service" for name in known}
    for name, service in known.items():
        line = words(dict(read_unit(units[f"{name}.service"])["Service"])["ExecStart"])
        assert line[-1] == "ghcr.io/acme/tiny:1"
        got = [value for flag, value in pairwise(line) if flag in ("-v", "--volume")]
        assert sorted(got) == named(service)
        check = check_words(service)
        if len(check) > 1:
            assert tuple(json.loads(line[line.index("--health-cmd") + 1])) == check


@pytest.mark.real
@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_no_judge_finds_a_fault(tmp_path: Path, service: Service) -> None:
    written(service, tmp_path)
    assert findings(tmp_path) == ()


@pytest.mark.real
def test_each_judge_finds_a_fault_where_there_is_one(tmp_path: Path) -> None:
    place = written(FULL, tmp_path)
    spoil(place / "shop.service", "NoNewPrivileges=yes", "NoNewPrivilege=yes")
    spoil(place / "shop-health.timer", "AccuracySec=1s", "AccuracySec=soon")
    spoil(place / "shop-health.service", "CapabilityBoundingSet=\n", "PrivateMounts=no\n")
    spoil(place / "shop-health.service", "SystemCallFilter=@system-service\n", "")
    spoil(place / "shop.container", "MemoryMax=256M", "MemoryMax=much")
    found = findings(tmp_path)
    assert {each.split(": ")[0] for each in found} == {
        "systemd-analyze verify",
        "systemd-analyze security",
        "made by quadlet",
    }
    for fault in ("'NoNewPrivilege'", "soon", "shop-health.service: 3.5", "'much'"):
        assert any(fault in each for each in found), found
    spoil(place / "shop.container", "ReadOnly=true", "Readonly=true")
    assert any("unsupported key 'Readonly'" in each for each in findings(tmp_path))


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
