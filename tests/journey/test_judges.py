"""Every image that these tests make is read by programs that are not ours."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journey.conftest import ShopImage
from tests.journey.ferrule import ferrule, tool
from tests.parts.compile import compiled
from tests.parts.debian import debian_tool
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real

SAYS = "#include <stdio.h>\nint main(int c, char **v) { puts(v[0]); return c - 1; }\n"
PROGRAMS = {
    "first": ("-static",),
    "second": ("-static",),
    "third": (),
    "fourth": ("-pie",),
    "fifth": ("-lm",),
}
"""What is packed: the flags that gcc makes each of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """What `ferrule pack` wrote of some programs: a layout, an archive, and what it said of its push."""

    names: tuple[str, ...]
    layout: Path
    archive: Path
    pushed: str

    @property
    def tag(self) -> str:
        """The image's name in the archive."""
        return self.pushed.partition("@")[0] + ":v1"


@pytest.fixture(scope="module", params=[("third",), tuple(PROGRAMS)], ids=["one", "five"])
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, registry: str) -> Packed:
    folder = tmp_path_factory.mktemp("packed")
    names: tuple[str, ...] = request.param
    files = [str(compiled(folder, f"{name}.c", SAYS, *PROGRAMS[name])) for name in names]
    layout, archive = folder / "layout", folder / "image.tar"
    outputs = ("-o", f"oci:{layout}", "-o", f"docker-archive:{archive}", "--push", "--tag", "v1")
    said = ferrule("pack", *files, "--image", f"{registry}/packed/of-{len(names)}", *outputs)
    pushed = said.splitlines()[-1]
    return Packed(names=names, layout=layout, archive=archive, pushed=pushed)


def test_crane_validates_the_archive(shop_image: ShopImage) -> None:
    assert tool(debian_tool("crane"), "validate", "--tarball", shop_image.archive).startswith("PASS")


def test_umoci_unpacks_the_layout(shop_image: ShopImage, tmp_path: Path) -> None:
    tool("umoci", "unpack", "--image", f"{shop_image.layout}:{shop_image.name}", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    assert (root / "app" / "shop").stat().st_mode & 0o777 == 0o755
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert "65532" in (root / "etc" / "passwd").read_text()


def test_skopeo_reads_the_configuration(shop_image: ShopImage) -> None:
    config = json.loads(tool("skopeo", "inspect", "--config", shop_image.oci))
    run = config["config"]
    assert config["created"] == "1970-01-01T00:00:00Z"
    assert (run["User"], run["WorkingDir"], run["StopSignal"]) == ("65532:65532", "/app", "SIGTERM")
    assert (run["Entrypoint"], run["Cmd"]) == (["/app/shop"], ["serve"])
    assert run["ExposedPorts"] == {"3000/tcp": {}}
    assert "RUST_LOG=info" in run["Env"]
    assert run["Labels"]["org.opencontainers.image.version"] == "0.4.2"
    assert run["Labels"]["org.opencontainers.image.licenses"] == "MIT OR Apache-2.0"
    assert ("org.opencontainers.image.base.digest" in run["Labels"]) == (
        shop_image.name not in ("scratch", "fitted")
    )


def test_podman_pulls_the_layout(shop_image: ShopImage, podman: PodmanEngine) -> None:
    identity = podman.podman("pull", "--quiet", shop_image.oci).strip()
    inspected = json.loads(podman.podman("image", "inspect", identity))
    assert inspected[0]["Config"]["Entrypoint"] == ["/app/shop"]


def test_every_engine_loads_the_archive_and_runs_it(
    shop_image: ShopImage, docker: DockerEngine, current_docker: DockerEngine, podman: PodmanEngine
) -> None:
    name = f"shop:{shop_image.name}"
    for call in (docker.docker, current_docker.docker, podman.podman):
        assert name in call("load", "-i", str(shop_image.archive))
        token = call("run", "--rm", "-e", "APP_AUTH_JWT_SECRET=of no use to anybody", name, "token", "acme")
        assert [len(part) > 10 for part in token.split(".")] == [True, True, True]


def test_crane_validates_what_pack_wrote(packed: Packed) -> None:
    crane = debian_tool("crane")
    assert tool(crane, "validate", "--tarball", packed.archive).startswith("PASS")
    assert tool(crane, "validate", "--insecure", "--remote", packed.pushed).startswith("PASS")


def test_skopeo_finds_one_image_wherever_pack_put_it(packed: Packed) -> None:
    places = (
        f"oci:{packed.layout}:v1",
        f"docker-archive:{packed.archive}:{packed.tag}",
        f"docker://{packed.pushed}",
    )
    secure = ("--tls-verify=false",)
    found = [json.loads(tool("skopeo", "inspect", *secure, "--config", place)) for place in places]
    assert found[0] == found[1] == found[2]
    assert found[0]["config"]["Entrypoint"] == [f"/app/{packed.names[0]}"]
    said = json.loads(tool("skopeo", "inspect", *secure, f"docker://{packed.tag}"))
    assert packed.pushed.endswith(f"@{said['Digest']}")


def test_umoci_unpacks_what_pack_wrote_and_its_programs_run(packed: Packed, tmp_path: Path) -> None:
    tool("umoci", "unpack", "--image", f"{packed.layout}:v1", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    assert {path.name for path in (root / "app").iterdir()} == set(packed.names)
    for name in packed.names:
        assert tool("chroot", root, f"/app/{name}") == f"/app/{name}"


def runs(call: Callable[..., str], image: str, names: tuple[str, ...]) -> None:
    """The image's own program answers, and so does each of them by its path."""
    alone = ("run", "--rm", "--network", "none", "--read-only")
    assert call(*alone, image).strip() == f"/app/{names[0]}"
    for name in names:
        assert call(*alone, "--entrypoint", f"/app/{name}", image).strip() == f"/app/{name}"


def test_podman_runs_what_pack_wrote(packed: Packed, podman: PodmanEngine) -> None:
    for source in (f"oci:{packed.layout}:v1", f"docker-archive:{packed.archive}", packed.pushed):
        identity = podman.podman("pull", "--quiet", source).strip()
        runs(podman.podman, identity, packed.names)
        podman.podman("rmi", "--force", identity)


@pytest.mark.parametrize("engine", ["docker", "current_docker"])
def test_docker_old_and_new_runs_what_pack_wrote(
    engine: str, packed: Packed, request: pytest.FixtureRequest
) -> None:
    docker: DockerEngine = request.getfixturevalue(engine)
    assert f"Loaded image: {packed.tag}" in docker.docker("load", "-i", str(packed.archive))
    runs(docker.docker, packed.tag, packed.names)
    docker.docker("rmi", "--force", packed.tag)
    docker.docker("pull", "--quiet", packed.pushed)
    runs(docker.docker, packed.pushed, packed.names)


def test_a_current_docker_keeps_the_digest_that_pack_said(
    packed: Packed, current_docker: DockerEngine
) -> None:
    assert current_docker.docker("version", "--format", "{{.Server.Version}}").startswith("28.")
    current_docker.docker("load", "-i", str(packed.archive))
    identity = current_docker.docker("image", "inspect", "--format", "{{.Id}}", packed.tag).strip()
    assert packed.pushed.endswith(f"@{identity}")
