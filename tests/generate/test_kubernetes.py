"""The manifests: what is known of a service stands where Kubernetes looks for it, whatever it is called."""

import re
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings

from ferrule.generate import kubernetes
from ferrule.generate.service import Service
from ferrule.health import Health
from ferrule.values import Port, User
from tests.generate.deployed import DIGEST, FULL, MADE, TINY

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def documents(service: Service) -> dict[str, list[dict[str, Any]]]:
    """File → its documents."""
    return {
        draft.path.removeprefix("deploy/kubernetes/"): list(yaml.load_all(draft.text, LOADER))
        for draft in kubernetes.drafts(service)
    }


def one(service: Service, name: str) -> dict[str, Any]:
    (document,) = documents(service)[f"resources/{name}.yaml"]
    return document


def pod(service: Service, name: str = "deployment") -> dict[str, Any]:
    found: dict[str, Any] = one(service, name)["spec"]["template"]["spec"]
    return found


def container(service: Service, name: str = "deployment") -> dict[str, Any]:
    (found,) = pod(service, name)["containers"]
    return dict(found)


def with_health(health: Health | None, *ports: Port) -> dict[str, Any]:
    """The probes of a service, by what they ask."""
    found = container(Service(name="a", health=health, ports=ports))
    ways = ("httpGet", "tcpSocket", "exec")
    return {
        kind.removesuffix("Probe"): {way: found[kind][way] for way in ways if way in found[kind]}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe")
        if kind in found
    }


def test_each_resource_has_a_file_and_the_kustomization_lists_them_all() -> None:
    found = documents(FULL)
    assert sorted(found) == [
        "kustomization.yaml",
        "resources/deployment.yaml",
        "resources/migrate.yaml",
        "resources/networkpolicy.yaml",
        "resources/persistentvolumeclaim.yaml",
        "resources/service.yaml",
        "resources/serviceaccount.yaml",
    ]
    assert sorted(found["kustomization.yaml"][0]["resources"]) == sorted(found)[1:]
    assert sorted(documents(TINY)) == [
        "kustomization.yaml",
        "resources/deployment.yaml",
        "resources/networkpolicy.yaml",
        "resources/poddisruptionbudget.yaml",
        "resources/serviceaccount.yaml",
    ]


def test_the_pod_is_restricted() -> None:
    for name in ("deployment", "migrate"):
        assert pod(FULL, name)["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 20000,
            "runAsGroup": 20001,
            "fsGroup": 20001,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "53"}],
        }
        assert container(FULL, name)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        }
    assert container(TINY)["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_what_restricted_refuses_is_written_and_said() -> None:
    service = Service(name="a", capabilities=("NET_RAW",), user=User(uid=0, gid=0))
    assert container(service)["securityContext"]["allowPrivilegeEscalation"] is True
    assert pod(service)["securityContext"]["runAsNonRoot"] is False
    text = next(draft.text for draft in kubernetes.drafts(service) if "deployment" in draft.path)
    assert text.count("# The restricted level of Pod Security refuses") == 2


def test_liveness_and_the_start_never_ask_the_health_path() -> None:
    tcp = {"tcpSocket": {"port": 3000}}
    assert with_health(Health(path="/health"), Port(number=3000)) == {
        "startup": tcp,
        "readiness": {"httpGet": {"path": "/health", "port": 3000}},
        "liveness": tcp,
    }
    live = {"httpGet": {"path": "/live", "port": 9000, "httpHeaders": [{"name": "Host", "value": "a:1"}]}}
    asked = with_health(
        Health(path="/health", live="/live", port=9000, header="Host: a:1"), Port(number=3000)
    )
    assert (asked["startup"], asked["liveness"]) == (live, live)


def test_what_the_kubelet_cannot_ask_is_asked_in_the_image() -> None:
    tcp = {"tcpSocket": {"port": 3000}}
    probe = ["/.ferrule/probe", "-t", "4500", "-e", "204", "http://localhost:3000/$$(a)"]
    asked = with_health(Health(path="/$(a)", expect=204), Port(number=3000))
    assert asked == {"startup": tcp, "readiness": {"exec": {"command": probe}}, "liveness": tcp}
    own = Health(command=("/app/a", "$HOME"))
    assert with_health(own, Port(number=53, protocol="udp")) == {
        "readiness": {"exec": {"command": ["/app/a", "$$HOME"]}}
    }


def test_without_a_health_check_a_connection_will_do() -> None:
    assert with_health(None, Port(number=53, protocol="udp")) == {}
    assert set(with_health(None, Port(number=80))) == {"startup", "readiness", "liveness"}
    assert with_health(Health(tcp=5432))["readiness"] == {"tcpSocket": {"port": 5432}}


def test_the_start_is_waited_for_as_docker_would() -> None:
    health = Health(path="/", start_period=90, interval=5, retries=4, timeout=0.5)
    found = container(Service(name="a", health=health, ports=(Port(number=80),)))
    times = ("periodSeconds", "timeoutSeconds", "failureThreshold")
    assert [found["startupProbe"][name] for name in times] == [1, 1, 110]
    assert [found["readinessProbe"][name] for name in times] == [5, 1, 4]


def test_secrets_are_named_and_never_there() -> None:
    for name in ("deployment", "migrate"):
        assert container(FULL, name)["env"] == [
            {
                "name": "APP_TOKEN",
                "valueFrom": {"secretKeyRef": {"name": "shop", "key": "APP_TOKEN", "optional": True}},
            },
            {
                "name": "APP_DATABASE_URL",
                "valueFrom": {"secretKeyRef": {"name": "shop", "key": "APP_DATABASE_URL"}},
            },
        ]
    assert "env" not in container(TINY)


def test_a_service_with_volumes_has_one_pod() -> None:
    spec = one(FULL, "deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    claims = documents(FULL)["resources/persistentvolumeclaim.yaml"]
    assert [claim["metadata"]["name"] for claim in claims] == ["shop-data", "shop-var-lib-a-b"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container(FULL)["volumeMounts"]}
    assert mounts == {"tmp": "/tmp", "data": "/data", "var-lib-a-b": "/var/lib/a b"}
    assert one(TINY, "deployment")["spec"]["replicas"] == 2


def test_a_job_goes_where_the_volumes_are() -> None:
    (term,) = pod(FULL, "migrate")["affinity"]["podAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    labels = {"app.kubernetes.io/name": "shop", "app.kubernetes.io/component": "service"}
    assert term["podAffinityTerm"]["labelSelector"] == {"matchLabels": labels}
    assert labels.items() <= one(FULL, "deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert "affinity" not in pod(msgspec.structs.replace(FULL, volumes=()), "migrate")


def test_an_image_without_a_registry_is_never_pulled() -> None:
    migrating = msgspec.structs.replace(TINY, migrate=("migrate",))
    for name in ("deployment", "migrate"):
        assert container(migrating, name)["imagePullPolicy"] == "Never"
        assert "imagePullPolicy" not in container(FULL, name)


def test_a_job_follows_what_is_in_it() -> None:
    def job(**changes: Any) -> str:
        changed = msgspec.structs.replace(FULL, **changes)
        return str(one(changed, "migrate")["metadata"]["name"])

    assert re.fullmatch("shop-migrate-[0-9a-f]{8}", job())
    assert job() == job(version="0.4.3")
    assert len({job(), job(image=f"ghcr.io/acme/shop@{DIGEST[:-1]}0"), job(migrate=("up",))}) == 3
    assert len(job(name="a" * 80)) == 63
    assert container(FULL, "migrate")["args"] == ["migrate", "$$(ALL) of it", "--to=last"]
    assert "args" not in container(FULL)


def test_the_network_is_its_ports_names_and_what_its_settings_name() -> None:
    spec = one(FULL, "networkpolicy")["spec"]
    (into,) = spec["ingress"]
    assert [(each["port"], each["protocol"]) for each in into["ports"]] == [
        (3000, "TCP"),
        (53, "UDP"),
        (53, "TCP"),
    ]
    names, out = spec["egress"]
    assert {each["port"] for each in names["ports"]} == {53}
    assert [each["port"] for each in out["ports"]] == [5432, 6379]
    assert "ingress" not in one(TINY, "networkpolicy")["spec"]
    assert len(one(TINY, "networkpolicy")["spec"]["egress"]) == 1


def test_ports_have_names_that_say_what_they_speak() -> None:
    ports = one(FULL, "service")["spec"]["ports"]
    assert [(each["name"], each["port"], each["protocol"]) for each in ports] == [
        ("http-3000", 3000, "TCP"),
        ("udp-53", 53, "UDP"),
        ("tcp-53", 53, "TCP"),
    ]


def test_a_single_platform_is_asked_of_the_node() -> None:
    assert pod(FULL)["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    both = msgspec.structs.replace(FULL, platforms=("linux/amd64", "linux/arm64"))
    assert "nodeSelector" not in pod(both)


@pytest.mark.parametrize("name", ["on", "${{ x }}", 'a"b', "a\nb: c", "🦀", "A_b", "1", "-", "x" * 99])
def test_names_are_labels(name: str) -> None:
    found = documents(
        Service(name=name, ports=(Port(number=1),), volumes=("/a", "/A", "/🦀", "/tmp/"), migrate=())
    )
    named = [
        document["metadata"]["name"] for file in found.values() for document in file if "metadata" in document
    ]
    assert all(LABEL.fullmatch(each[:63]) for each in named), named
    assert len(set(named)) == 1 + 1 + 4


def expanded(text: str) -> str:
    """As Kubernetes reads arguments: `$$` is a dollar, and `$(NAME)` would be a variable."""
    assert "$(" not in text.replace("$$", "")
    return text.replace("$$", "$")


@settings(max_examples=300)
@given(service=MADE)
def test_every_value_comes_back_unchanged(service: Service) -> None:
    found = documents(service)
    assert all(document for file in found.values() for document in file)
    program = container(service)
    assert program["image"] == service.image
    mounts = [mount["mountPath"] for mount in program.get("volumeMounts", ())]
    assert mounts[len(mounts) - len(service.volumes) :] == list(service.volumes)
    wanted = {each.name for each in service.contract if each.required or each.secret}
    database = {service.database.url_env} if service.database else set()
    assert {each["name"] for each in program.get("env", ())} == wanted | database
    if service.migrate is not None:
        assert tuple(map(expanded, container(service, "migrate")["args"])) == service.migrate
    health = service.health
    if health is not None and health.command:
        assert tuple(map(expanded, program["readinessProbe"]["exec"]["command"])) == health.command
    elif health is not None and service.health_port is not None:
        ready = program["readinessProbe"]
        asked = ready["httpGet"]["path"] if "httpGet" in ready else expanded(ready["exec"]["command"][-1])
        assert asked.endswith(str(health.path))
        if health.live is not None:
            assert program["livenessProbe"]["httpGet"]["path"] == health.live
