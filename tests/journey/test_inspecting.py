"""`ferrule inspect` reads images wherever they lie, and however other programs have written them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.journey.conftest import ShopImage
from tests.journey.ferrule import ferrule, tool
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real


def inspected(name: str, *flags: str, **env: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(ferrule("inspect", name, "--json", "--files", *flags, env=env))
    return said


def content(said: dict[str, Any]) -> dict[str, Any]:
    """What every copy of an image has in common, however it is stored."""
    return {
        "config": said["config"],
        "files": said["files"],
        "layers": [(layer["diff_id"], layer["size"]) for layer in said["layers"]],
        "hidden": said["hidden"],
        "base": said["base"],
    }


def test_an_image_tells_the_same_wherever_it_lies(
    shop_image: ShopImage, registry: str, tmp_path: Path
) -> None:
    of_layout = inspected(shop_image.oci)
    remote = f"{registry}/inspected:{shop_image.name}"
    saved = tmp_path / "oci.tar"
    tool("skopeo", "copy", "-q", "--dest-tls-verify=false", shop_image.oci, f"docker://{remote}")
    tool("skopeo", "copy", "-q", shop_image.oci, f"oci-archive:{saved}:v1")

    for name in (remote, str(saved), f"docker-archive:{shop_image.archive}"):
        said = inspected(name)
        assert content(said) == content(of_layout)
        assert said["digest"] == of_layout["digest"]


def test_the_files_are_those_that_umoci_unpacks(shop_image: ShopImage, tmp_path: Path) -> None:
    tool("umoci", "unpack", "--image", f"{shop_image.layout}:{shop_image.name}", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    there = {f"/{path.relative_to(root)}": path.lstat() for path in root.rglob("*")}
    found = {file["path"]: file for file in inspected(shop_image.oci)["files"] if file["path"] != "/"}

    assert set(found) == set(there)
    for path, file in found.items():
        if file["kind"] in ("file", "dir"):
            have = there[path]
            assert (int(file["mode"], 8), file["uid"], file["gid"]) == (
                have.st_mode & 0o7777,
                have.st_uid,
                have.st_gid,
            ), path
        if file["kind"] == "file":
            assert file["size"] == there[path].st_size, path


def test_what_docker_saves_is_the_image_that_it_got(
    shop_images: dict[str, ShopImage],
    docker: DockerEngine,
    current_docker: DockerEngine,
    podman: PodmanEngine,
    tmp_path: Path,
) -> None:
    image = shop_images["debian"]
    of_layout = content(inspected(image.oci))
    for engine in (docker, current_docker):
        engine.docker("load", "-i", str(image.archive))
        assert content(inspected("docker-daemon:shop:debian", **engine.env)) == of_layout
        engine.docker("save", "-o", str(tmp_path / "saved.tar"), "shop:debian")
        assert content(inspected(f"docker-archive:{tmp_path / 'saved.tar'}:shop:debian")) == of_layout
    podman.podman("load", "-i", str(image.archive))
    podman.podman("save", "-o", str(tmp_path / "podman.tar"), "shop:debian")
    assert content(inspected(str(tmp_path / "podman.tar"))) == of_layout


def test_what_docker_does_not_have_is_one_line(docker: DockerEngine) -> None:
    with pytest.raises(AssertionError, match="error: docker has no image nobody/has:this\nhint: "):
        inspected("docker-daemon:nobody/has:this", **docker.env)


def test_what_others_build_is_read_with_what_their_layers_hide(podman: PodmanEngine, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a" * 1000)
    (tmp_path / "b").write_bytes(b"b" * 400)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY a /opt/x\nCOPY b /opt/x\nCOPY a /opt/y\n")
    podman.podman("build", "-q", "--layers", "--network", "none", "-t", "hides:1", str(tmp_path))
    podman.podman("save", "--format", "oci-archive", "-o", str(tmp_path / "hides.tar"), "hides:1")

    said = inspected(str(tmp_path / "hides.tar"))

    assert [(file["path"], file["size"], file["how"]) for file in said["hidden"]["files"]] == [
        ("/opt/x", 1000, "replaced")
    ]
    assert said["size"] == 1400
    assert [layer["size"] for layer in said["layers"]] == [1000, 400, 1000]
