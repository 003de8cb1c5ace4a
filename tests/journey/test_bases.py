"""Bases by their short names, from a registry that stands in for the public ones."""

import json
from pathlib import Path

import pytest

from tests.journey.ferrule import SHOP, ferrule, tool
from tests.parts.bases import push_bases

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def mirror(registry: str) -> str:
    push_bases(registry)
    return registry


def labels_of(layout: str) -> dict[str, str]:
    labels: dict[str, str] = json.loads(tool("skopeo", "inspect", layout))["Labels"]
    return {key.removeprefix("org.opencontainers.image."): value for key, value in labels.items()}


@pytest.mark.parametrize(
    ("link", "base", "host", "name", "path"),
    [
        (
            "static",
            "distroless",
            "gcr.io",
            "gcr.io/distroless/static-debian12",
            "distroless/static-debian12:latest",
        ),
        ("dynamic", "distroless", "gcr.io", "gcr.io/distroless/cc-debian12", "distroless/cc-debian12:latest"),
        (
            "dynamic",
            "debian",
            "docker.io",
            "docker.io/library/debian:bookworm-slim",
            "library/debian:bookworm-slim",
        ),
    ],
)
def test_a_short_name_is_read_through_the_mirror_and_labelled_by_its_own_name(
    mirror: str, tmp_path: Path, link: str, base: str, host: str, name: str, path: str
) -> None:
    layout = f"oci:{tmp_path}/out:x"
    ferrule("build", str(SHOP), "--link", link, "--base", base, "--mirror", f"{host}={mirror}", "-o", layout)
    expected = tool("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{mirror}/{path}")
    labels = labels_of(layout)
    assert labels["base.name"] == name
    digests = [entry["digest"] for entry in json.loads(expected).get("manifests", [])]
    assert not digests or labels["base.digest"] in digests


def test_mirrors_come_from_the_user_s_own_configuration_too(mirror: str, tmp_path: Path) -> None:
    (tmp_path / "ferrule").mkdir()
    (tmp_path / "ferrule" / "config.toml").write_text(f'[mirrors]\n"gcr.io" = "{mirror}"\n')
    layout = f"oci:{tmp_path}/out:x"
    ferrule("build", str(SHOP), "--base", "distroless", "-o", layout, env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert labels_of(layout)["base.name"] == "gcr.io/distroless/static-debian12"


def test_an_image_on_a_registry_s_base_is_pushed_there_and_its_base_layers_are_the_registry_s_own(
    mirror: str, tmp_path: Path
) -> None:
    name = f"{mirror}/acme/on-base"
    base = f"{mirror}/distroless/static-debian12:latest"
    env = {"FERRULE_CACHE_DIR": str(tmp_path)}
    pushed = ferrule("build", str(SHOP), "--base", base, "--image", name, "--push", env=env)
    raw = json.loads(tool("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{pushed}"))
    config = json.loads(tool("skopeo", "inspect", "--config", "--tls-verify=false", f"docker://{pushed}"))
    assert raw["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert {layer["mediaType"] for layer in raw["layers"]} == {"application/vnd.oci.image.layer.v1.tar+gzip"}
    assert len(raw["layers"]) == len(config["rootfs"]["diff_ids"]) == len(config["history"])
