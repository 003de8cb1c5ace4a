"""Requests to ECS: what is known of a service stands where the API looks for it, whatever it is called."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings

from ferrule.generate import ecs
from ferrule.generate.marked import drafted
from ferrule.generate.service import Service
from ferrule.health import Health
from ferrule.values import Port
from tests.generate.deployed import FULL, MADE, SERVICES, TINY
from tests.generate.judge_ecs import findings

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def requests(service: Service) -> dict[str, Any]:
    """File → what it holds."""
    return {Path(draft.path).stem: yaml.load(draft.text, LOADER) for draft in ecs.drafts(service)}


def container(service: Service) -> dict[str, Any]:
    (found,) = requests(service)["task-definition"]["containerDefinitions"]
    return dict(found)


def written(service: Service, folder: Path) -> Path:
    """The files as they lie in a project, with their marks; gives their own folder."""
    for draft in ecs.drafts(service):
        path = folder / draft.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(drafted(None, draft.kind, draft.text, force=False))
    return folder / ecs.FOLDER


def test_the_container_may_do_as_little_as_fargate_lets_it() -> None:
    found = container(TINY)
    assert found["user"] == "65532:65532"
    assert found["readonlyRootFilesystem"] is True
    assert found["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert found["linuxParameters"]["initProcessEnabled"] is True
    assert [each["containerPath"] for each in found["linuxParameters"]["tmpfs"]] == ["/tmp"]
    assert "systemControls" not in found
    full = container(FULL)
    assert "NET_BIND_SERVICE" not in full["linuxParameters"]["capabilities"]["drop"]
    assert len(full["linuxParameters"]["capabilities"]["drop"]) == 13
    assert full["linuxParameters"]["initProcessEnabled"] is False
    assert full["systemControls"] == [{"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "53"}]


def test_a_capability_that_fargate_has_not_is_said() -> None:
    (task, *_) = ecs.drafts(Service(name="a", capabilities=("NET_ADMIN", "SYS_PTRACE", "BPF")))
    assert "# Fargate has no NET_ADMIN, BPF: a file with it does not start there." in task.text
    found = yaml.safe_load(task.text)["containerDefinitions"][0]["linuxParameters"]["capabilities"]
    assert found == {"drop": ["ALL"], "add": ["SYS_PTRACE"]}


def test_secrets_are_named_and_never_there() -> None:
    found = container(FULL)
    assert found["secrets"] == [{"name": "APP_DATABASE_URL", "valueFrom": "/shop/APP_DATABASE_URL"}]
    assert "environment" not in found


def test_a_check_is_within_the_bounds_of_the_api() -> None:
    def check(**values: Any) -> Any:
        health = Health(**{"path": "/health", **values})
        return container(Service(name="a", ports=(Port(number=80),), health=health))["healthCheck"]

    assert check() == {
        "command": ["CMD", "/.ferrule/probe", "-t", "4500", "http://localhost:80/health"],
        "interval": 30,
        "timeout": 5,
        "retries": 3,
        "startPeriod": 10,
    }
    found = check(interval=0.1, timeout=0.1, retries=1000, start_period=900)
    assert [found[name] for name in ("interval", "timeout", "retries", "startPeriod")] == [5, 2, 10, 300]
    assert found["command"][3] == "1800"
    live = check(live="/live", expect=204)["command"]
    assert live == ["CMD", "/.ferrule/probe", "-t", "4500", "http://localhost:80/live"]
    own = container(Service(name="a", health=Health(command=("/app/a", "--check"))))
    assert own["healthCheck"]["command"] == ["CMD", "/app/a", "--check"]
    assert "healthCheck" not in container(TINY)
    assert "healthCheck" not in container(Service(name="a", health=Health(path="/")))


def test_ports_volumes_processor_and_the_run_that_migrates() -> None:
    found = requests(FULL)
    task = found["task-definition"]
    assert task["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert task["volumes"] == [{"name": "data"}, {"name": "var-lib-a-b"}]
    mounts = {mount["sourceVolume"]: mount["containerPath"] for mount in container(FULL)["mountPoints"]}
    assert mounts == {"data": "/data", "var-lib-a-b": "/var/lib/a b"}
    ports = [(each["containerPort"], each["protocol"]) for each in container(FULL)["portMappings"]]
    assert ports == [(3000, "tcp"), (53, "udp"), (53, "tcp")]
    (override,) = found["migrate"]["overrides"]["containerOverrides"]
    assert override == {"name": "shop", "command": ["migrate", "$(ALL) of it", "--to=last"]}
    assert (found["service"]["desiredCount"], requests(TINY)["service"]["desiredCount"]) == (1, 2)
    assert set(requests(TINY)) == {"task-definition", "service"}
    odd = msgspec.structs.replace(TINY, platforms=("linux/riscv64", "linux/arm64"))
    assert requests(odd)["task-definition"]["runtimePlatform"]["cpuArchitecture"] == "ARM64"


@settings(max_examples=300)
@given(service=MADE)
def test_every_value_comes_back_unchanged(service: Service) -> None:
    found = requests(service)
    program = container(service)
    assert program["image"] == service.image
    assert tuple(each["containerPath"] for each in program.get("mountPoints", ())) == service.volumes
    wanted = {each.name for each in service.contract if each.required}
    database = {service.database.url_env} if service.database else set()
    assert {each["name"] for each in program.get("secrets", ())} == wanted | database
    if service.migrate is not None:
        (override,) = found["migrate"]["overrides"]["containerOverrides"]
        assert tuple(override["command"]) == service.migrate
    health = service.health
    if health is not None and health.command:
        assert tuple(program["healthCheck"]["command"][1:]) == health.command
    elif health is not None and service.health_port is not None:
        assert program["healthCheck"]["command"][-1].endswith(health.live or str(health.path))


@pytest.mark.real
@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_no_judge_finds_a_fault(tmp_path: Path, service: Service) -> None:
    written(service, tmp_path)
    assert findings(tmp_path) == ()


@pytest.mark.real
def test_each_judge_finds_a_fault_where_there_is_one(tmp_path: Path) -> None:
    place = written(FULL, tmp_path)
    spoil(place / "task-definition.yaml", "readonlyRootFilesystem", "readOnlyRootFilesystem")
    spoil(place / "task-definition.yaml", 'memory: "512"', 'memory: "256"')
    spoil(place / "service.yaml", "desiredCount: 1", 'desiredCount: "1"')
    spoil(place / "migrate.yaml", "launchType: FARGATE", "launchType: fargate")
    found = findings(tmp_path)
    assert len(found) == 5
    assert found[0] == "botocore: migrate.yaml: .launchType: 'fargate' is none of EC2, FARGATE, EXTERNAL"
    assert "Invalid type for parameter desiredCount" in found[1]
    assert 'Unknown parameter in containerDefinitions[0]: "readOnlyRootFilesystem"' in found[2]
    assert found[3] == "Fargate has no pair ('256', 256)"
    assert found[4].startswith("checkov: CKV_AWS_336 ")


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
