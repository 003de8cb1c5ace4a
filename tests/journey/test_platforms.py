"""One command, two processors: an index that every judge reads, and whose arm64 program runs in qemu."""

import json
import subprocess  # noqa: TID251 - programs for another processor are run by qemu, as a user would
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cargo_projects import write_project
from tests.fakes.report import without_slow_steps
from tests.journey.ferrule import ferrule, tool
from tests.parts.compile import compiled
from tests.parts.debian import debian_tool
from tests.parts.docker import DockerEngine
from tests.parts.podman import PodmanEngine
from tests.parts.targets import need_targets

pytestmark = pytest.mark.real

BOTH = ("--platform", "linux/amd64,linux/arm64")
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SAYS = 'fn main() { println!("{}", std::env::consts::ARCH); }\n'


def built(*arguments: str | Path) -> tuple[dict[str, Any], str]:
    """What a build that must succeed says as JSON, and to a person."""
    argv = (sys.executable, "-m", "ferrule", *map(str, arguments), "--json")
    finished = subprocess.run(argv, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout), finished.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_targets()
    return write_project(tmp_path_factory.mktemp("project"), {"src/main.rs": SAYS})


@pytest.fixture(scope="module")
def layout(project: Path) -> Path:
    ferrule("build", str(project), *BOTH, "--link", "musl", "-o", f"oci:{project}/out:v1")
    return project / "out"


def raw(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(tool("skopeo", "inspect", "--raw", "--tls-verify=false", name))
    return answer


def test_the_layout_holds_one_index_of_two_images_and_mixes_no_types(layout: Path) -> None:
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    assert entry["mediaType"] == INDEX
    index = json.loads((layout / "blobs" / "sha256" / entry["digest"][7:]).read_bytes())
    assert [child["platform"] for child in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]
    for child in index["manifests"]:
        assert child["mediaType"] == MANIFEST
        manifest = json.loads((layout / "blobs" / "sha256" / child["digest"][7:]).read_bytes())
        assert manifest["mediaType"] == MANIFEST
        assert manifest["config"]["mediaType"].startswith("application/vnd.oci.")


def test_each_program_is_static_and_runs_on_its_processor(layout: Path, tmp_path: Path) -> None:
    for architecture, runner, says in (
        ("amd64", (), "x86_64"),
        ("arm64", ("qemu-aarch64-static",), "aarch64"),
    ):
        only = tmp_path / architecture
        name = f"oci:{layout}:v1"
        tool("skopeo", "--override-arch", architecture, "copy", "-q", name, f"oci:{only}:v1")
        tool("umoci", "unpack", "--image", f"{only}:v1", tmp_path / f"{architecture}-bundle")
        program = tmp_path / f"{architecture}-bundle" / "rootfs" / "app" / "hello"
        assert "statically linked" in tool("file", program).replace("static-pie linked", "statically linked")
        assert tool(*runner, program) == says


def test_a_pushed_index_is_there_with_its_images_and_pulled_by_every_engine(
    project: Path, registry: str, docker: DockerEngine, current_docker: DockerEngine, podman: PodmanEngine
) -> None:
    name = f"{registry}/both"
    said, _ = built("build", project, *BOTH, "--link", "musl", "--push", "--image", name, "--tag", "v1")
    assert said["destinations"] == [{"kind": "push", "line": f"{name}@{said['digest']}"}]
    index = raw(f"docker://{name}:v1")
    assert index["mediaType"] == INDEX
    assert [image["digest"] for image in said["images"]] == [each["digest"] for each in index["manifests"]]
    assert tool(debian_tool("crane"), "validate", "--insecure", "--remote", f"{name}:v1").startswith("PASS")
    for engine in (docker, current_docker):
        engine.docker("pull", "-q", f"{name}:v1")
        assert engine.docker("run", "--rm", "--network", "none", f"{name}:v1").strip() == "x86_64"
    podman.podman("pull", "-q", f"{name}:v1")
    assert podman.podman("run", "--rm", "--network", "none", f"{name}:v1").strip() == "x86_64"


def test_a_second_push_sends_nothing(project: Path, registry: str) -> None:
    push = ("build", project, *BOTH, "--link", "musl", "--push", "--image", f"{registry}/again")
    first, _ = built(*push)
    second, words = built(*push, "-v")
    assert second["digest"] == first["digest"]
    assert "already there" in words
    assert "sent" not in words


def test_places_for_one_platform_say_which_one_they_took(
    project: Path, docker: DockerEngine, current_docker: DockerEngine, tmp_path: Path
) -> None:
    archive = tmp_path / "both.tar"
    outputs = ("-o", f"binary:{tmp_path}/hello", "-o", f"docker-archive:{archive}")
    said, words = built("build", project, *BOTH, "--link", "musl", *outputs, "--tag", "both")
    assert f"{tmp_path}/hello takes one platform: linux/amd64" in words
    assert [done.get("platform") for done in said["destinations"]] == ["linux/amd64", None]
    assert tool(tmp_path / "hello") == "x86_64"
    for engine in (docker, current_docker):
        engine.docker("load", "-q", "-i", str(archive))
        assert engine.docker("run", "--rm", "--network", "none", "hello:both").strip() == "x86_64"
    assert tool("skopeo", "inspect", "--format", "{{.Architecture}}", f"docker-archive:{archive}") == "amd64"


def test_pack_makes_an_index_of_binaries_that_were_built_elsewhere(tmp_path: Path, registry: str) -> None:
    flags = "-static"
    for folder, compiler in (("amd64", "gcc"), ("arm64", "aarch64-linux-gnu-gcc")):
        (tmp_path / folder).mkdir()
        compiled(tmp_path / folder, "hello.c", "int main(void) { return 42; }\n", flags, compiler=compiler)
    pairs = [f"linux/{name}={tmp_path / name / 'hello'}" for name in ("amd64", "arm64")]
    said, _ = built(
        "pack", *(word for pair in pairs for word in ("--platform", pair)), "-o", f"oci:{tmp_path}/out:v1"
    )
    assert [image["platform"] for image in said["images"]] == ["linux/amd64", "linux/arm64"]
    tool("skopeo", "copy", "-q", "--all", "--dest-tls-verify=false", f"oci:{tmp_path}/out:v1",
         f"docker://{registry}/packed:v1")  # fmt: skip
    assert tool(debian_tool("crane"), "validate", "--insecure", "--remote", f"{registry}/packed:v1")
    arm = json.loads(ferrule("inspect", f"oci:{tmp_path}/out:v1", "--platform", "linux/arm64", "--json"))
    assert arm["digest"] == said["images"][1]["digest"]


@pytest.mark.parametrize(
    ("arguments", "code", "cause"),
    [
        (["--platform", "linux/arm64={amd}"], 6, "is for linux/amd64, not for linux/arm64"),
        (["--platform", "linux/amd64"], 2, "'linux/amd64' is not OS/ARCH=BIN"),
        (["{amd}", "--platform", "linux/amd64={amd}"], 2, "has no platform, and others have one"),
        (
            ["--platform", "linux/amd64={amd}", "--platform", "linux/arm64={arm}"],
            2,
            "linux/amd64 has one, and linux/arm64 has two",
        ),
        (["{amd}", "{arm}"], 6, "is for linux/arm64, and"),
        ([], 2, "Missing argument 'BIN...'"),
    ],
)
def test_binaries_that_make_no_index_are_refused(
    tmp_path: Path, arguments: list[str], code: int, cause: str
) -> None:
    amd = compiled(tmp_path, "one.c", "int main(void) { return 0; }\n", "-static")
    arm = compiled(
        tmp_path, "two.c", "int main(void) { return 0; }\n", "-static", compiler="aarch64-linux-gnu-gcc"
    )
    words = [argument.format(amd=amd, arm=arm) for argument in arguments]
    argv = (sys.executable, "-m", "ferrule", "pack", *words, "-o", f"oci:{tmp_path}/out")
    finished = subprocess.run(argv, capture_output=True, text=True)
    assert finished.returncode == code, finished.stderr
    error, hint = without_slow_steps(finished.stderr).splitlines()
    assert cause in error
    assert hint.startswith("hint: ")
    assert not (tmp_path / "out").exists()
