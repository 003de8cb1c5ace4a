"""The example service as images on every base, built once, and the parts that run and judge them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journey.ferrule import SHOP, ferrule
from tests.parts.bases import base_layout
from tests.parts.docker import DockerEngine, current_docker_engine, networking_docker_engine
from tests.parts.fixed_port import EXAMPLE, fixed_port
from tests.parts.podman import PodmanEngine
from tests.parts.postgres import postgres
from tests.parts.registry import open_registry

BASES = {
    "scratch": ("static", "scratch"),
    "distroless-static": ("static", "distroless/static-debian12:latest"),
    "fitted": ("dynamic", "fitted"),
    "distroless-cc": ("dynamic", "distroless/cc-debian12:latest"),
    "debian": ("dynamic", "library/debian:bookworm-slim"),
}
"""Name → link mode, and a base that ferrule makes itself or one of tests/parts/bases.py."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShopImage:
    """The example on one base: a layout with one tag, and an archive of the same image."""

    name: str
    layout: Path
    archive: Path

    @property
    def oci(self) -> str:
        """As skopeo names it."""
        return f"oci:{self.layout}:{self.name}"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(scope="session")
def shop_images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ShopImage]:
    folder = tmp_path_factory.mktemp("images")
    made = {}
    for name, (link, base) in BASES.items():
        image = ShopImage(name=name, layout=folder / "layout", archive=folder / f"{name}.tar")
        where = base if "/" not in base else f"oci:{base_layout(base)}"
        outputs = ("-o", image.oci, "-o", f"docker-archive:{image.archive}")
        ferrule("build", str(SHOP), "--locked", "--link", link, "--base", where, "--tag", name, *outputs)
        made[name] = image
    return made


@pytest.fixture(params=list(BASES))
def shop_image(request: pytest.FixtureRequest, shop_images: dict[str, ShopImage]) -> ShopImage:
    """One base after the other."""
    return shop_images[request.param]


@pytest.fixture(scope="session")
def docker(daemon: DockerEngine) -> DockerEngine:
    """The one of all tests."""
    return daemon


@pytest.fixture(scope="session")
def current_docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    with current_docker_engine(tmp_path_factory.mktemp("current-docker")) as engine:
        yield engine


@pytest.fixture(scope="session")
def networking_docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    with networking_docker_engine(tmp_path_factory.mktemp("networking-docker")) as engine:
        yield engine


@pytest.fixture(scope="session")
def podman(podman_here: PodmanEngine) -> PodmanEngine:
    """The one of all tests."""
    return podman_here


@pytest.fixture
def port() -> Iterator[int]:
    """The example's own, in this machine's network."""
    with fixed_port(EXAMPLE) as number:
        yield number


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with open_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running.host
