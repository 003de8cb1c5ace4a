"""A capability of the program's file reaches whoever unpacks or runs the image."""

import json
import os
import subprocess  # noqa: TID251 - `ferrule run` ends as its program does, also badly
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ferrule.errors import FerruleError
from tests.fakes.report import without_slow_steps
from tests.journey.ferrule import ferrule, tool
from tests.parts.compile import compiled
from tests.parts.docker import DockerEngine
from tests.parts.fixed_port import fixed_port
from tests.parts.need import need
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real
SOURCE = Path(__file__).with_name("net.c")
BIND = ("NET_BIND_SERVICE",)
MANY = ("CHOWN", "SETUID", "NET_BIND_SERVICE")
"""With bytes in its record that are no UTF-8."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """The same program packed with some capabilities, as a layout and as an archive."""

    layout: Path
    archive: Path
    name: str


def made(folder: Path, *capabilities: str) -> Made:
    program = compiled(folder, "net.c", SOURCE.read_text(), "-static", "-Os")
    image = Made(layout=folder / "layout", archive=folder / "image.tar", name=f"net:{len(capabilities)}")
    flags = [word for name in capabilities for word in ("--capability", name)]
    outputs = ("-o", f"oci:{image.layout}", "-o", f"docker-archive:{image.archive}")
    ferrule("pack", str(program), *flags, "--image", "net", "--tag", str(len(capabilities)), *outputs)
    return image


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, ...], Made]]:
    need(int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) > 80, "a port that is closed")
    with fixed_port(80):
        yield {names: made(tmp_path_factory.mktemp("net"), *names) for names in ((), BIND, MANY)}


Images = dict[tuple[str, ...], Made]
HAS_IT = "65532 has port 80"


def getcap(program: Path) -> str:
    return tool("getcap", "-n", program).removeprefix(str(program)).strip()


def test_getcap_reads_what_umoci_unpacks(images: Images, tmp_path: Path) -> None:
    many = "cap_chown,cap_setuid,cap_net_bind_service=ep"
    for names, said in (((), ""), (BIND, "cap_net_bind_service=ep"), (MANY, many)):
        bundle = tmp_path / str(len(names))
        tool("umoci", "unpack", "--image", f"{images[names].layout}:{len(names)}", bundle)
        assert getcap(bundle / "rootfs" / "app" / "net") == said


def test_docker_keeps_it_in_the_root_of_its_containers_and_the_program_has_it(
    images: Images, docker: DockerEngine
) -> None:
    for image in images.values():
        docker.docker("load", "-i", str(image.archive))
    form = "{{.GraphDriver.Data.UpperDir}}"
    top = docker.docker("image", "inspect", "--format", form, images[BIND].name).strip()
    assert getcap(Path(top) / "app" / "net") == "cap_net_bind_service=ep"
    assert docker.docker("run", "--rm", "--network", "host", images[BIND].name).strip() == HAS_IT
    assert docker.docker("run", "--rm", "--network", "host", images[MANY].name).strip() == HAS_IT


def test_in_a_network_of_its_own_docker_gives_the_port_to_everybody(
    images: Images, docker: DockerEngine
) -> None:
    docker.docker("load", "-i", str(images[()].archive))
    assert docker.docker("run", "--rm", "--network", "none", images[()].name).strip() == HAS_IT


def test_a_current_docker_gives_it_to_the_program(images: Images, current_docker: DockerEngine) -> None:
    current_docker.docker("load", "-i", str(images[BIND].archive))
    assert current_docker.docker("run", "--rm", "--network", "host", images[BIND].name).strip() == HAS_IT


@pytest.mark.parametrize("form", ["docker-archive", "oci"])
def test_podman_keeps_it_in_its_storage_and_the_program_has_it(
    form: str, images: Images, podman: PodmanEngine
) -> None:
    image = images[BIND]
    source = f"oci:{image.layout}:1" if form == "oci" else f"docker-archive:{image.archive}"
    identity = podman.podman("pull", "--quiet", source).strip()
    try:
        root = podman.podman("image", "mount", identity).strip()
        assert getcap(Path(root) / "app" / "net") == "cap_net_bind_service=ep"
        assert podman.podman("run", "--rm", "--network", "host", identity).strip() == HAS_IT
    finally:
        podman.podman("image", "unmount", "--force", identity)
        podman.podman("rmi", "--force", identity)


@pytest.mark.parametrize("engine", ["sandbox", "docker", "podman"])
def test_ferrule_run_gives_it_to_the_program_and_to_no_other(
    engine: str, images: Images, docker: DockerEngine, podman: PodmanEngine
) -> None:
    environment = {**docker.env, **podman.env}
    assert run(engine, images[BIND], environment) == (0, HAS_IT, "")
    assert run(engine, images[()], environment) == (1, "", "bind: Permission denied")


def run(engine: str, image: Made, environment: Mapping[str, str]) -> tuple[int, str, str]:
    argv = (sys.executable, "-m", "ferrule", "run", f"oci:{image.layout}", "--engine", engine)
    finished = subprocess.run(
        (*argv, "--network", "host"), env={**os.environ, **environment}, capture_output=True, text=True
    )
    return finished.returncode, finished.stdout.strip(), without_slow_steps(finished.stderr).strip()


def test_inspect_shows_it(images: Images) -> None:
    assert "net (CHOWN, SETUID, NET_BIND_SERVICE)" in ferrule("inspect", str(images[MANY].layout), "--files")
    said = json.loads(ferrule("inspect", str(images[BIND].layout), "--files", "--json"))
    assert [file.get("capabilities") for file in said["files"] if file["path"] == "/app/net"] == [[*BIND]]
    assert [file["path"] for file in said["files"] if "capabilities" in file] == ["/app/net"]


def test_where_new_privileges_are_forbidden_it_starts_without_and_where_all_are_dropped_not_at_all(
    images: Images, docker: DockerEngine
) -> None:
    docker.docker("load", "-i", str(images[BIND].archive))
    alone = ("run", "--rm", "--network", "host")
    with pytest.raises(FerruleError, match="bind: Permission denied"):
        docker.docker(*alone, "--security-opt", "no-new-privileges", images[BIND].name)
    with pytest.raises(FerruleError, match="operation not permitted"):
        docker.docker(*alone, "--cap-drop", "ALL", images[BIND].name)
    added = ("--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE")
    assert docker.docker(*alone, *added, images[BIND].name).strip() == HAS_IT


def test_with_its_low_ports_open_a_network_needs_no_new_privileges_for_them(
    images: Images, docker: DockerEngine, current_docker: DockerEngine
) -> None:
    """As compose.yaml has it: the file's capability is at hand, so it starts, and is not gained."""
    strict = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--network", "none")
    opened = ("--sysctl", "net.ipv4.ip_unprivileged_port_start=0")
    for engine in (docker, current_docker):
        engine.docker("load", "-i", str(images[BIND].archive))
        added = ("--cap-add", "NET_BIND_SERVICE", *opened)
        assert engine.docker("run", "--rm", *strict, *added, images[BIND].name).strip() == HAS_IT
        with pytest.raises(FerruleError, match="operation not permitted"):
            engine.docker("run", "--rm", *strict, *opened, images[BIND].name)
