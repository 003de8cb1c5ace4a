"""Generated Dockerfiles by BuildKit, with a stand-in for the image of the compiler, made once as a tar.

They download crates and Debian's packages, as they do where people build them.
"""

import os
import re
import shutil
import subprocess  # noqa: TID251 - what BuildKit says of its steps goes to stderr
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferrule.capability import ATTRIBUTE, from_attribute
from ferrule.elf.facts import read_binary
from tests.cargo_projects import manifest, write_project
from tests.generate.judge_dockerfile import findings
from tests.generate.test_dockerfile_built import facts_of, plain
from tests.journey.ferrule import SHOP, ferrule, flags, shop_variables, tool
from tests.journey.test_health import QUICKLY, status_becomes
from tests.parts.buildah import config_of, unpacked
from tests.parts.docker import DockerEngine, add_buildx, current_docker_engine, docker_engine
from tests.parts.fixed_port import EXAMPLE
from tests.parts.postgres import postgres
from tests.parts.rust_image import PATH, rust_image_name, rust_root
from tests.parts.targets import need_targets

pytestmark = [pytest.mark.acceptance, pytest.mark.real]

SAYS = 'fn main() {{ println!("{}"); }}\n'
OWN_PATHS = "/usr/local/cargo/registry"
"""In a program of these Dockerfiles, and no secret: every builder has the same."""


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    with current_docker_engine(tmp_path_factory.mktemp("docker")) as engine:
        take_rust(engine)
        yield engine


@pytest.fixture
def older_docker(tmp_path: Path) -> Iterator[DockerEngine]:
    """This machine's own: 20.10 on Debian 12."""
    add_buildx(tmp_path / "docker")
    with docker_engine(tmp_path / "docker") as engine:
        take_rust(engine)
        yield engine


def take_rust(docker: DockerEngine) -> None:
    """The stand-in, under the name that the Dockerfiles give to the compiler's image."""
    variables = f"ENV PATH={PATH} CARGO_HOME=/usr/local/cargo"
    docker.docker("import", "--change", variables, str(rust_root()), rust_image_name())


def build(docker: DockerEngine, project: Path, name: str, *options: str) -> str:
    """What BuildKit says of its steps."""
    argv = ("docker", "build", "--network", "host", "--progress", "plain", "--tag", name, *options, ".")
    env = {**os.environ, **docker.env, "DOCKER_BUILDKIT": "1"}
    finished = subprocess.run(argv, cwd=project, env=env, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stderr


def layout_of(docker: DockerEngine, name: str, folder: Path) -> Path:
    """The image as an OCI layout, tag `latest`."""
    docker.docker("save", "--output", str(folder / "saved.tar"), name)
    tool(
        "skopeo",
        "copy",
        "--insecure-policy",
        f"docker-archive:{folder}/saved.tar",
        f"oci:{folder}/saved:latest",
    )
    return folder / "saved"


def said_by(docker: DockerEngine, name: str) -> str:
    return docker.docker("run", "--rm", "--network", "none", name).strip()


def test_the_example_has_the_files_of_ferrules_image_and_is_healthy(
    tmp_path: Path, docker: DockerEngine
) -> None:
    project = tmp_path / "shop"
    shutil.copytree(SHOP, project, ignore=shutil.ignore_patterns("target"))
    ferrule("generate", "dockerfile", "--project", str(project))
    assert findings(project) == ()
    build(docker, project, "shop:0.4.2")
    layout = layout_of(docker, "shop:0.4.2", tmp_path)
    ferrule("build", str(SHOP), "--locked", "-o", f"oci:{tmp_path}/ours:latest")
    theirs = unpacked(layout, tmp_path / "a")
    ours = unpacked(tmp_path / "ours", tmp_path / "b")
    found, wanted = facts_of(theirs), facts_of(ours)
    assert found.pop("/app/shop")[:3] == wanted.pop("/app/shop")[:3]
    assert found == wanted
    assert plain(config_of(layout)) == plain(config_of(tmp_path / "ours"))
    programs = [root / "app/shop" for root in (theirs, ours)]
    assert all(read_binary(program).is_static for program in programs)
    sizes = [program.stat().st_size for program in programs]
    assert abs(sizes[0] - sizes[1]) < sizes[1] / 100
    assert [OWN_PATHS.encode() in program.read_bytes() for program in programs] == [True, False]
    with postgres(tmp_path / "postgres") as database:
        run = ("run", "--detach", "--network", "host", *QUICKLY)
        container = docker.docker(*run, *flags(shop_variables(database, EXAMPLE)), "shop:0.4.2").strip()
        try:
            assert status_becomes(docker, container, "healthy")["Log"][-1]["Output"].startswith("200 after ")
        finally:
            docker.docker("rm", "--force", container)


def test_a_source_that_is_older_than_the_last_build_is_compiled(tmp_path: Path, docker: DockerEngine) -> None:
    project = write_project(tmp_path / "hello", {"src/main.rs": SAYS.format("one")})
    ferrule("generate", "dockerfile", "--project", str(project))
    build(docker, project, "mounted")
    assert said_by(docker, "mounted") == "one"
    write_of_long_ago(project, "two")
    build(docker, project, "mounted")
    assert said_by(docker, "mounted") == "two"
    # What a Dockerfile with a mount and nothing else does: it packs the program of the build before.
    file = project / "Dockerfile"
    without = file.read_text().replace("    find . -type f -exec touch {} + && \\\n", "")
    assert without != file.read_text()
    file.write_text(without)
    write_of_long_ago(project, "three")
    build(docker, project, "mounted")
    assert said_by(docker, "mounted") == "two"


def write_of_long_ago(project: Path, says: str) -> None:
    (project / "src/main.rs").write_text(SAYS.format(says))
    os.utime(project / "src/main.rs", (1_000_000_000, 1_000_000_000))


def test_an_older_buildkit_takes_the_file(tmp_path: Path, older_docker: DockerEngine) -> None:
    keys = '[package.metadata.ferrule]\nports = [80]\nhealth = { path = "/" }\ninit = true\n'
    files = {"Cargo.toml": manifest(extra=keys), "src/main.rs": SAYS.format("one")}
    project = write_project(tmp_path / "hello", files)
    ferrule("generate", "dockerfile", "--project", str(project))
    build(older_docker, project, "older")
    assert said_by(older_docker, "older") == "one"


def test_a_change_of_the_source_leaves_the_layer_of_dependencies(
    tmp_path: Path, docker: DockerEngine
) -> None:
    dependency = '[dependencies]\nitoa = "1"\n'
    project = write_project(
        tmp_path / "hello", {"Cargo.toml": manifest(extra=dependency), "src/main.rs": SAYS.format("one")}
    )
    tool("cargo", "generate-lockfile", "--manifest-path", project / "Cargo.toml")
    ferrule("generate", "dockerfile", "--cache", "chef", "--project", str(project))
    first = build(docker, project, "layered")
    assert "Compiling itoa" in first
    (project / "src/main.rs").write_text(SAYS.format("two"))
    again = build(docker, project, "layered")
    assert "Compiling itoa" not in again
    assert "Compiling hello" in again
    assert re.search(r"^(#[0-9]+) .*cargo chef cook.*\n\1 CACHED$", again, re.MULTILINE)
    assert said_by(docker, "layered") == "two"


def test_another_processor_is_compiled_for_without_emulation(tmp_path: Path, docker: DockerEngine) -> None:
    need_targets()
    keys = """
[package.metadata.ferrule]
platforms = ["linux/amd64", "linux/arm64"]
capabilities = ["NET_BIND_SERVICE"]
ports = [80]
health = { path = "/" }
init = true
"""
    project = write_project(
        tmp_path / "hello", {"Cargo.toml": manifest(extra=keys), "src/main.rs": SAYS.format("one")}
    )
    ferrule("generate", "dockerfile", "--project", str(project))
    for architecture, machine in (("amd64", "x86_64"), ("arm64", "aarch64")):
        name = f"hello:{architecture}"
        build(docker, project, name, "--platform", f"linux/{architecture}")
        place = tmp_path / architecture
        place.mkdir()
        docker.docker("save", "--output", str(place / "saved.tar"), name)
        source, target = f"docker-archive:{place}/saved.tar", f"oci:{place}/saved:latest"
        tool("skopeo", "--override-arch", architecture, "copy", "--insecure-policy", source, target)
        root = unpacked(place / "saved", place / "bundle")
        for program in ("app/hello", ".ferrule/probe", ".ferrule/init"):
            assert machine in tool("readelf", "-h", root / program).lower().replace("x86-64", "x86_64")
        assert from_attribute(os.getxattr(root / "app/hello", ATTRIBUTE)) == ("NET_BIND_SERVICE",)
    said = tool("qemu-aarch64-static", tmp_path / "arm64/bundle/rootfs/app/hello")
    assert said == "one"
