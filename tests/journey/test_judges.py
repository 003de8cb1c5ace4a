"""Every image that these tests make is read by programs that are not ours."""

import json
from pathlib import Path

import pytest

from tests.journey.conftest import ShopImage
from tests.journey.ferrule import tool
from tests.parts.debian import debian_tool
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real


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


def test_docker_and_podman_load_the_archive(
    shop_image: ShopImage, docker: DockerEngine, podman: PodmanEngine
) -> None:
    assert f"Loaded image: shop:{shop_image.name}" in docker.docker("load", "-i", str(shop_image.archive))
    assert f"shop:{shop_image.name}" in podman.podman("load", "-i", str(shop_image.archive))
