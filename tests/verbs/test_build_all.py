"""Every binary of a workspace becomes an image, with one command: real builds of small programs."""

import json
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferrule.tables import Table
from ferrule.verbs.build_all import build_images
from ferrule.verbs.deliver import Destinations
from tests.cargo.counting import Counting
from tests.cargo_projects import context_of, manifest, request_for, write_files
from tests.journey.ferrule import ferrule, tool
from tests.parts.registry import open_registry
from tests.parts.targets import need_targets

pytestmark = pytest.mark.real

USES = '[dependencies]\ncommon = { path = "../common" }\n'
SAYS = 'fn main() {{ println!("{{}}", common::said("{}")); }}\n'
FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["common", "api", "jobs"]\nresolver = "3"\n'
    '[workspace.metadata.ferrule]\nimage = "ghcr.io/acme/{bin}"\nargs = ["serve"]\n',
    "common/Cargo.toml": manifest("common", edition="2024"),
    "common/src/lib.rs": 'pub fn said(name: &str) -> String { format!("this is {name}") }\n',
    "api/Cargo.toml": manifest("api", USES, edition="2024"),
    "api/src/main.rs": SAYS.format("api"),
    "jobs/Cargo.toml": manifest(
        "jobs",
        f'{USES}[[bin]]\nname = "worker"\npath = "src/work.rs"\n'
        "[package.metadata.ferrule.bin.worker]\nargs = []\n",
        edition="2024",
    ),
    "jobs/src/work.rs": SAYS.format("worker"),
    "jobs/src/bin/jobs-admin.rs": SAYS.format("admin"),
}
NAMES = ["api", "jobs-admin", "worker"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = write_files(tmp_path_factory.mktemp("workspace"), FILES)
    (place / "target").mkdir()  # some others use it too
    return place


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with open_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running.host


def test_what_several_programs_share_is_compiled_once_and_asked_once(tmp_path: Path) -> None:
    place = write_files(tmp_path / "workspace", FILES)
    runner = Counting()
    built = build_images(context_of(tmp_path, runner), request_for(place), (), Destinations())
    assert runner.compiled == {"common": 1, "api": 1, "worker": 1, "jobs-admin": 1}
    assert runner.asked[("cargo", "metadata")] == 1
    assert [image.prepared.selection.binary for image in built.images] == NAMES
    digests = {image.content.descriptor.digest for image in built.images}
    assert len(digests) == len(NAMES)


def test_each_goes_into_the_layout_under_its_name_with_its_own_settings(workspace: Path) -> None:
    layout = f"oci:{workspace}/target/ferrule/image"
    assert ferrule("build", str(workspace), "--all").splitlines() == [f"{layout}:{name}" for name in NAMES]
    for name, args in (("api", ["serve"]), ("worker", None)):
        config = json.loads(tool("skopeo", "inspect", "--config", f"{layout}:{name}"))["config"]
        assert config["Entrypoint"] == [f"/app/{name}"]
        assert config.get("Cmd") == args
    tagged = ferrule("build", str(workspace), "--all", "-p", "jobs", "-t", "v{version}", "-t", "new")
    assert tagged.splitlines() == [f"{layout}:{name}-v0.1.0" for name in NAMES[1:]]


def test_an_image_of_all_is_the_image_of_a_build_of_its_own(workspace: Path) -> None:
    said = json.loads(ferrule("build", str(workspace), "--all", "--json"))
    assert [each["program"] for each in said["programs"]] == NAMES
    assert [each["package"] for each in said["programs"]] == ["api", "jobs", "jobs"]
    assert [each["program"] for each in said["images"]] == NAMES
    assert [each["program"] for each in said["destinations"]] == NAMES
    alone = json.loads(ferrule("build", str(workspace), "--bin", "worker", "--json"))
    assert said["programs"][2]["digest"] == alone["digest"]


def test_all_are_pushed_loaded_nowhere_and_written_where_bin_says(
    workspace: Path, registry: str, tmp_path: Path
) -> None:
    image, outputs = (
        f"{registry}/acme/{{bin}}",
        ("-o", f"binary:{tmp_path}/{{bin}}", "-o", f"oci:{tmp_path}/o"),
    )
    said = ferrule("build", str(workspace), "--all", "--push", "--image", image, *outputs).splitlines()
    lines = iter(said)
    for name in NAMES:
        assert next(lines) == f"{tmp_path}/{name}"
        assert next(lines) == f"oci:{tmp_path}/o:{name}"
        pushed = next(lines)
        assert pushed.startswith(f"{registry}/acme/{name}@sha256:")
        found = tool("skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{pushed}")
        assert json.loads(found)["layers"]
    assert tool(tmp_path / "jobs-admin") == "this is admin"
    assert list(lines) == []


def failing(*arguments: str | Path) -> tuple[int, list[str], str]:
    argv = (sys.executable, "-m", "ferrule", "build", *map(str, arguments))
    finished = subprocess.run(argv, capture_output=True, text=True)
    return finished.returncode, finished.stderr.splitlines(), finished.stdout


def test_when_one_cannot_be_built_none_is_pushed_and_the_error_names_it(
    workspace: Path, registry: str
) -> None:
    broken = workspace / "jobs" / "src" / "bin" / "jobs-admin.rs"
    good = broken.read_text()
    broken.write_text("fn main() { nonsense }\n")
    try:
        code, said, out = failing(workspace, "--all", "--push", "--image", f"{registry}/broken/{{bin}}")
    finally:
        broken.write_text(good)
    assert (code, out) == (4, "")
    assert said[-2] == "error: cargo could not build jobs-admin"
    catalog = json.loads(tool("curl", "-s", f"http://{registry}/v2/_catalog"))["repositories"]
    assert not [name for name in catalog if name.startswith("broken/")]


def test_when_one_base_cannot_run_its_program_none_is_written_and_the_error_names_it(
    tmp_path: Path, workspace: Path
) -> None:
    table = '[package.metadata.ferrule.bin.worker]\nlink = "dynamic"\nbase = "scratch"\n'
    text = FILES["jobs/Cargo.toml"].partition("[package.metadata")[0] + table
    place = write_files(tmp_path / "own", {**FILES, "jobs/Cargo.toml": text})
    (place / "target").symlink_to(workspace / "target")
    code, said, out = failing(place, "--all", "-o", f"oci:{tmp_path}/out")
    assert (code, out) == (6, "")
    assert said[-2].startswith("error: worker: ")
    assert not (tmp_path / "out").exists()


def test_what_came_before_a_push_that_fails_is_said(workspace: Path, registry: str) -> None:
    text = (workspace / "jobs" / "Cargo.toml").read_text()
    own = '[package.metadata.ferrule.bin.worker]\nimage = "127.0.0.1:1/worker"\n'
    (workspace / "jobs" / "Cargo.toml").write_text(text.partition("[package.metadata")[0] + own)
    root = (workspace / "Cargo.toml").read_text()
    (workspace / "Cargo.toml").write_text(root.replace("ghcr.io/acme", f"{registry}/some"))
    try:
        code, said, out = failing(workspace, "--all", "--push")
    finally:
        (workspace / "jobs" / "Cargo.toml").write_text(text)
        (workspace / "Cargo.toml").write_text(root)
    assert (code, out) == (5, "")
    assert said[-3] == "delivered before that: api, jobs-admin"
    assert said[-2].startswith("error: worker: ")
    catalog = json.loads(tool("curl", "-s", f"http://{registry}/v2/_catalog"))["repositories"]
    assert {"some/api", "some/jobs-admin"} <= set(catalog)


@pytest.mark.parametrize(
    ("arguments", "code", "cause"),
    [
        (["--bin", "api"], 2, "--all and --bin contradict each other"),
        (
            ["--push", "--image", "ghcr.io/acme/shop"],
            2,
            "the images of api and jobs-admin would both be ghcr",
        ),
        (["--load", "--image", "shop", "--engine", "podman"], 2, "would both be docker.io/library/shop"),
        (
            ["--push", "--image", "ghcr.io/acme/{bin}", "--file", "no:/no"],
            3,
            "api: the file 'no' is not there",
        ),
        (["-o", "binary:out"], 2, "would both be written to binary:out"),
        (["-o", "oci:out:v1"], 2, "would both be written to oci:out:v1"),
    ],
)
def test_names_and_places_that_two_would_share_are_refused_before_the_build(
    workspace: Path, arguments: list[str], code: int, cause: str
) -> None:
    found, said, out = failing(workspace, "--all", *arguments)
    assert (found, out) == (code, "")
    assert cause in said[0]
    assert said[1].startswith("hint: ")
    assert len(said) == 2


def test_the_plan_of_all_has_one_for_each(workspace: Path) -> None:
    plan = json.loads(ferrule("plan", str(workspace), "--all", "--json", "-p", "jobs"))
    assert list(plan["programs"]) == NAMES[1:]
    worker = plan["programs"]["worker"]
    assert worker["image"]["value"] == "ghcr.io/acme/worker"
    assert worker["destinations"]["value"] == [f"oci:{workspace}/target/ferrule/image:worker"]
    screens = ferrule("plan", str(workspace), "--all").split("\n\n")
    assert [screen.splitlines()[1].split()[1] for screen in screens] == NAMES


def test_a_feature_goes_to_the_packages_that_have_it(tmp_path: Path, workspace: Path) -> None:
    text = manifest("api", f"{USES}[features]\nloud = []\n", edition="2024")
    says = 'fn main() { println!("{}", cfg!(feature = "loud")); }\n'
    place = write_files(tmp_path, {**FILES, "api/Cargo.toml": text, "api/src/main.rs": says})
    (place / "target").symlink_to(workspace / "target")
    flags = ("--all", "-F", "loud", "-o", f"binary:{tmp_path}/out/{{bin}}")
    assert len(ferrule("build", str(place), *flags).splitlines()) == len(NAMES)
    assert tool(tmp_path / "out" / "api") == "true"
    code, said, _ = failing(place, "--all", "-F", "quiet")
    assert code == 4
    assert said[-2] == "error: api has no feature 'quiet'"


@pytest.mark.parametrize("how", ["key", "flag"])
def test_further_binaries_go_into_the_same_image(workspace: Path, tmp_path: Path, how: str) -> None:
    table = Table(include_bins=("jobs-admin", "worker"))
    flags = [part for name in table.include_bins or () for part in ("--include-bin", name)]
    root = (workspace / "api" / "Cargo.toml").read_text()
    if how == "key":
        own = '[package.metadata.ferrule]\ninclude-bins = ["jobs-admin", "worker"]\n'
        (workspace / "api" / "Cargo.toml").write_text(root + own)
        flags = []
    try:
        layout = ferrule("build", str(workspace), "-p", "api", *flags, "-o", f"oci:{tmp_path}/o:v1")
        plan = json.loads(ferrule("plan", str(workspace), "-p", "api", *flags, "--json"))
    finally:
        (workspace / "api" / "Cargo.toml").write_text(root)
    tool("umoci", "unpack", "--rootless", "--image", f"{tmp_path}/o:v1", tmp_path / "bundle")
    there = tmp_path / "bundle" / "rootfs" / "app"
    assert sorted(path.name for path in there.iterdir()) == NAMES
    assert tool(there / "jobs-admin") == "this is admin"
    config = json.loads(tool("skopeo", "inspect", "--config", layout))["config"]
    assert config["Entrypoint"] == ["/app/api"]
    assert plan["include-bins"]["value"] == ["jobs-admin", "worker"]
    assert plan["layers"]["value"][-1] == "/app/api and /app/jobs-admin and /app/worker"


def test_the_base_is_one_that_runs_every_program(tmp_path: Path, workspace: Path) -> None:
    opens = manifest("jobs", f'{USES}build = "build.rs"\n'.replace(USES, "") + USES, edition="2024")
    build = 'fn main() { println!("cargo:rustc-link-lib=z"); }\n'
    place = write_files(tmp_path, {**FILES, "jobs/Cargo.toml": opens, "jobs/build.rs": build})
    (place / "jobs" / "src" / "work.rs").unlink()
    (place / "target").symlink_to(workspace / "target")
    flags = (str(place), "-p", "api", "--include-bin", "jobs-admin")
    said = json.loads(ferrule("build", *flags, "--json"))
    assert said["images"][0]["link"]["mode"] == "static"
    assert said["images"][0]["base"] == "fitted"
    plan = json.loads(ferrule("plan", *flags, "--json"))
    assert (plan["link of jobs-admin"]["value"], plan["base"]["value"]) == ("dynamic", "fitted")


def test_each_is_an_index_where_several_platforms_are_asked_for(workspace: Path, tmp_path: Path) -> None:
    need_targets()
    both = ("--platform", "linux/amd64,linux/arm64", "--link", "musl", "-o", f"oci:{tmp_path}/o")
    said = json.loads(ferrule("build", str(workspace), "--all", "-p", "jobs", *both, "--json"))
    assert [(image["program"], image["platform"]) for image in said["images"]] == [
        (name, platform) for name in NAMES[1:] for platform in ("linux/amd64", "linux/arm64")
    ]
    for each in said["programs"]:
        raw = json.loads(tool("skopeo", "inspect", "--raw", f"oci:{tmp_path}/o:{each['program']}"))
        assert [image["digest"] for image in raw["manifests"]] == [
            image["digest"] for image in said["images"] if image["program"] == each["program"]
        ]


def test_a_binary_that_is_not_there_is_refused_with_those_that_are(workspace: Path) -> None:
    code, said, out = failing(workspace, "-p", "api", "--include-bin", "shop-admin")
    assert (code, out) == (3, "")
    assert said == [
        "error: --include-bin: there is no binary 'shop-admin' in the workspace",
        "hint: did you mean jobs-admin?",
    ]


def test_a_table_for_a_binary_that_is_not_there_is_refused(tmp_path: Path) -> None:
    files = {
        "jobs/Cargo.toml": FILES["jobs/Cargo.toml"].replace("bin.worker]", "bin.wroker]"),
        "Cargo.toml": f"{FILES['Cargo.toml']}[workspace.metadata.ferrule.bin.shop]\n",
    }
    for number, (name, hint) in enumerate(
        (("package", "did you mean worker?"), ("workspace", "there is api"))
    ):
        changed = list(files)[number]
        place = write_files(tmp_path / name, {**FILES, changed: files[changed]})
        code, said, _ = failing(place, "--all")
        assert code == 3
        assert said[0].startswith(f"error: {name}.metadata.ferrule.bin.")
        assert said[0].endswith(": there is no binary of that name")
        assert said[1].startswith(f"hint: {hint}")
