"""Podman runs the pod, the Job and the Quadlet that `ferrule generate` writes, with what stands in them.

There is no Kubernetes API server to be had. `podman kube play` reads the same pod: its user, capabilities,
seccomp, memory, folders and variables. The nearest real thing differs from the file in this:

- The pod has the machine's network, where the test's Postgres listens on loopback alone, and a free port.
- Two pods cannot listen on one port of the machine: one is played.
- Podman 4.3 plays no Job: its template is played as a Pod.
- The Secret is made by `podman secret create`: what 4.3 makes of `kind: Secret` it cannot read itself.
- No systemd runs here: the command line that Podman's generator makes of the Quadlet is run as it is, but for
  the machine's network, a file of variables that is not in /etc, and control groups that are no systemd's.
- Probes, preStop, spread and the service account are read by no Podman. The test asks the probes' questions.
"""

import base64
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ferrule.contract import Variable
from ferrule.generate import kubernetes
from ferrule.generate.service import Service
from tests.generate.judge_systemd import made_units
from tests.generate.unit_reader import read_unit, words
from tests.journey.conftest import ShopImage
from tests.journey.ferrule import (
    PATIENCE_SECONDS,
    SHOP,
    ferrule,
    free_port,
    health,
    shop_variables,
)
from tests.parts.need import need
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def generated(tmp_path: Path, port: int) -> Path:
    """The example's files at a free port, for the image that the engine has."""
    project = tmp_path / "project"
    shutil.copytree(SHOP, project, ignore=shutil.ignore_patterns("target"))
    manifest = project / "Cargo.toml"
    manifest.write_text(manifest.read_text().replace("ports = [3000]", f"ports = [{port}]"))
    kinds = ("kubernetes", "systemd")
    ferrule("generate", *kinds, "--project", str(project), "--image", "shop:scratch")
    return project / "deploy"


@pytest.fixture
def engine(
    podman: PodmanEngine, shop_images: dict[str, ShopImage], database: str, tmp_path: Path
) -> Iterator[PodmanEngine]:
    """Podman with the image and the Secret."""
    podman.podman("load", "-i", str(shop_images["scratch"].archive))
    values = {
        name: base64.b64encode(value.encode()).decode() for name, value in shop_variables(database, 1).items()
    }
    (tmp_path / "secret").write_text(json.dumps(values))
    podman.podman("secret", "create", "shop", str(tmp_path / "secret"))
    try:
        yield podman
    finally:
        podman.podman("secret", "rm", "shop")


def on_this_machine(document: dict[str, Any], port: int) -> dict[str, Any]:
    """The pod of a Deployment or a Job, in the machine's network."""
    spec = document["spec"]["template"]["spec"]
    spec["hostNetwork"] = True
    (container,) = spec["containers"]
    container.pop("ports", None)
    container["env"].append({"name": "APP_PORT", "value": str(port)})
    return document


@contextmanager
def played(engine: PodmanEngine, document: dict[str, Any], file: Path) -> Iterator[None]:
    need(shutil.which("catatonit"), "catatonit, which holds a pod of Podman")
    file.write_text(yaml.safe_dump(document))
    engine.podman("kube", "play", str(file))
    try:
        yield
    finally:
        engine.podman("kube", "play", "--down", str(file))


def inspected(engine: PodmanEngine, container: str) -> dict[str, Any]:
    (found,) = json.loads(engine.podman("inspect", container))
    return dict(found)


def may_do_nothing(found: dict[str, Any]) -> bool:
    """What the kernel says of the program: a user that is not root, no capability, and none to be had."""
    status = Path(f"/proc/{found['State']['Pid']}/status").read_text()
    allowed = dict(line.split(":\t", 1) for line in status.splitlines())
    assert {allowed[name].split()[0] for name in ("Uid", "Gid")} == {"65532"}
    assert {allowed[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    return (allowed["NoNewPrivs"], allowed["Seccomp"]) == ("1", "2")


def test_the_deployment_s_pod_is_healthy_and_may_do_nothing_else(
    engine: PodmanEngine, generated: Path, port: int, tmp_path: Path
) -> None:
    text = (generated / "kubernetes" / "resources" / "deployment.yaml").read_text()
    document = on_this_machine(yaml.safe_load(text), port)
    document["spec"]["replicas"] = 1
    with played(engine, document, tmp_path / "played.yaml"):
        assert health(port)["status"] == "ok"
        found = inspected(engine, "shop-pod-0-shop")
        assert found["Args"] == ["serve"]
        assert found["HostConfig"]["ReadonlyRootfs"] is True
        assert found["HostConfig"]["Memory"] == 256 * 2**20
        assert [mount["Destination"] for mount in found["Mounts"] if mount["RW"]] == ["/tmp"]
        assert may_do_nothing(found)


def test_the_job_migrates_and_ends(engine: PodmanEngine, tmp_path: Path) -> None:
    """With the example's sub-command, which its Cargo.toml does not name yet."""
    secret = ("APP_AUTH_JWT_SECRET", "APP_DATABASE_URL")
    service = Service(
        name="shop",
        image="shop:scratch",
        contract=tuple(Variable(name=name, required=True, secret=True) for name in secret),
        migrate=("migrate",),
    )
    text = next(draft.text for draft in kubernetes.drafts(service) if "migrate" in draft.path)
    template = on_this_machine(yaml.safe_load(text), 1)["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"]["name"] = "migrating"
    with played(engine, pod, tmp_path / "played.yaml"):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := inspected(engine, "migrating-migrate")["State"])["Running"]:
            assert time.monotonic() < deadline, state
            time.sleep(0.05)
        said = engine.podman("logs", "migrating-migrate")
        assert state["ExitCode"] == 0, said


def test_the_quadlet_s_command_line_is_healthy_and_may_do_nothing_else(
    engine: PodmanEngine, generated: Path, port: int, database: str, tmp_path: Path
) -> None:
    made, against = made_units(generated / "systemd")
    assert against == ""
    unit = dict(read_unit(made["shop.service"])["Service"])
    variables = tmp_path / "variables"
    variables.write_text(
        "".join(f"{name}={value}\n" for name, value in shop_variables(database, port).items())
    )
    line = words(unit["ExecStart"])
    changes = {
        "--cgroups=split": "--cgroups=enabled",
        "--publish": "--network",
        f"127.0.0.1:{port}:{port}/tcp": "host",
        "/etc/shop.env": str(variables),
    }
    assert set(changes) <= set(line)
    assert line[0] == "/usr/bin/podman"
    engine.podman(*(changes.get(word, word) for word in line[1:]))
    try:
        assert health(port)["status"] == "ok"
        found = inspected(engine, "shop")
        assert found["Config"]["Healthcheck"]["Test"] == [
            *("CMD", "/.ferrule/probe", "-t", "4500", f"http://localhost:{port}/health"),
        ]
        assert engine.podman("healthcheck", "run", "shop") == ""
        assert found["HostConfig"]["ReadonlyRootfs"] is True
        assert may_do_nothing(found)
    finally:
        engine.podman(*words(unit["ExecStop"])[1:])
    assert engine.podman("ps", "--all", "--quiet", "--filter", "name=^shop$") == ""
