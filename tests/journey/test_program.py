"""What a program is like: arguments, folders, user and ports, as other tools and every engine see them."""

import json
import os
import subprocess  # noqa: TID251 - `ferrule run` ends as its program does, also badly
import sys
from pathlib import Path

import pytest

from tests.engine.bench import compile_program
from tests.journey.ferrule import ferrule, tool
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine

pytestmark = pytest.mark.real
TABLE = """\
args = ["put", "data/x"]
ports = [80, 443, "53/udp", "53/tcp"]
volumes = ["/var/lib/shop", "/srv/shop/data"]
workdir = "/srv/shop"
files = [{ from = "seed", to = "/var/lib/shop" }]
user = "1234:5678"
"""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    compile_program(folder)
    (folder / "seed").mkdir()
    (folder / "seed" / "db").write_text("seed")
    (folder / "ferrule.toml").write_text(TABLE)
    made = folder / "layout"
    ferrule("pack", str(folder / "program"), "--config", str(folder / "ferrule.toml"), "-o", f"oci:{made}")
    return made


def test_the_configuration_has_all_of_it(layout: Path) -> None:
    run = json.loads(tool("skopeo", "inspect", "--config", f"oci:{layout}:latest"))["config"]
    assert (run["Entrypoint"], run["Cmd"]) == (["/app/program"], ["put", "data/x"])
    assert run["ExposedPorts"] == {"80/tcp": {}, "443/tcp": {}, "53/udp": {}, "53/tcp": {}}
    assert run["Volumes"] == {"/var/lib/shop": {}, "/srv/shop/data": {}}
    assert (run["WorkingDir"], run["User"]) == ("/srv/shop", "1234:5678")


def test_the_folders_are_in_the_image_each_with_its_owner(layout: Path, tmp_path: Path) -> None:
    tool("umoci", "unpack", "--image", f"{layout}:latest", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    expected = {
        "app": (0, "0o755"),
        "var/lib": (0, "0o755"),
        "var/lib/shop": (1234, "0o755"),
        "var/lib/shop/db": (1234, "0o644"),
        "srv/shop": (0, "0o755"),
        "srv/shop/data": (1234, "0o755"),
        "tmp": (0, "0o1777"),
    }
    stats = {name: (root / name).stat() for name in expected}
    assert {name: (stat.st_uid, oct(stat.st_mode & 0o7777)) for name, stat in stats.items()} == expected


@pytest.mark.parametrize("engine", ["sandbox", "docker", "podman"])
def test_on_every_engine_it_starts_in_its_folder_and_writes_where_it_may(
    engine: str, layout: Path, docker: DockerEngine, podman: PodmanEngine
) -> None:
    def run(*words: str) -> tuple[int, str]:
        argv = (sys.executable, "-m", "ferrule", "run", f"oci:{layout}", "--engine", engine)
        finished = subprocess.run(
            (*argv, "--network", "host", *(("--", *words) if words else ())),
            env={**os.environ, **docker.env, **podman.env},
            capture_output=True,
            text=True,
        )
        return finished.returncode, finished.stdout

    assert run() == (0, "")
    for place in ("/var/lib/shop/x", "/var/lib/shop/db", "/tmp/x"):
        assert run("put", place) == (0, "")
    for place in ("x", "/app/x", "/var/lib/x"):
        assert run("put", place) == (1, f"{place}: Permission denied\n")
    assert {"uid 1234", "gid 5678", "cwd /srv/shop"} <= set(run("facts")[1].splitlines())
