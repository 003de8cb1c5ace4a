"""A generated Dockerfile is built, and its image compared with ferrule's of the same project.

The builder's image is a stand-in that sees this machine's compiler; see tests/parts/rust_image.py.
"""

import hashlib
import stat
import subprocess  # noqa: TID251 - programs that were built are run as a user would
from pathlib import Path
from typing import Any

import pytest

from ferrule.cli.app import run as ferrule
from ferrule.elf.facts import read_binary
from tests.cargo_projects import manifest, write_project
from tests.parts.bases import base_layout
from tests.parts.buildah import Buildah, config_of, unpacked
from tests.parts.rust_image import PATH, borrowed_root, borrowed_volumes, rust_image_name

pytestmark = pytest.mark.real

MAIN = """\
fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("--version") => println!("hello {}", env!("CARGO_PKG_VERSION")),
        _ => println!("{:?}", std::env::args().collect::<Vec<_>>()),
    }
}
"""
SETTINGS = """\
description = 'says "hi" for $5 and 100 %'
license = "MIT/Apache-2.0"

[package.metadata.ferrule]
args = ["serve", "$HOME", "two words", "a\\nb", "é\\"'"]
ports = [8080, "53/udp"]
health = { path = "/health?a=$b", interval = "1500ms" }
files = [
  { from = "static", to = "/app/static" },
  { from = "static/**/*.css", to = "/data/css dir" },
  { from = ".env.public", to = "/etc/a $b'c" },
]
migrations = "migrations"
volumes = ["/data", "/var/lib/a $b 'c"]
workdir = "/work dir"
init = true
stop-signal = "SIGINT"
user = "1234:5678"

[package.metadata.ferrule.env]
RUST_LOG = "info"
ODD = "a \\"b\\" $c \\\\ 'd' # e \\t f  "
LINES = "a\\nb"

[workspace]
"""
FILES = {
    "Cargo.toml": manifest(extra=SETTINGS),
    "src/main.rs": MAIN,
    "static/index.html": "<p>\n",
    "static/sub/a.css": "p {}\n",
    "static/run.sh": "#!/bin/sh\n",
    "migrations/1.sql": "select 1;\n",
    ".env.public": "A=1\n",
    ".sqlx/query-1.json": "{}\n",
    ".cargo/config.toml": "[net]\noffline = true\n",
}
PROGRAM = "/app/hello"

Facts = dict[str, tuple[str, int, int, str]]


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Buildah:
    """With the stand-in under the name that the Dockerfiles give to the compiler's image."""
    folder = tmp_path_factory.mktemp("buildah")
    found = Buildah(folder=folder, volumes=borrowed_volumes())
    found.take_root(borrowed_root(folder / "rust.tar"), rust_image_name(), PATH=PATH)
    return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    place = write_project(tmp_path / "hello", FILES)
    (place / "static/run.sh").chmod(0o775)
    (place / "static/sub/a.css").chmod(0o600)
    (place / "static/link.css").symlink_to("sub/a.css")
    monkeypatch.chdir(place)
    subprocess.run(("cargo", "generate-lockfile", "--offline"), check=True)
    return place


def test_the_image_is_the_one_that_ferrule_makes(tmp_path: Path, project: Path, buildah: Buildah) -> None:
    assert ferrule(["generate", "dockerfile"]) == 0
    assert ferrule(["build", "--output", f"oci:{tmp_path / 'ours'}"]) == 0
    layout = buildah.build(project)
    theirs, ours = unpacked(layout, tmp_path / "theirs"), unpacked(tmp_path / "ours", tmp_path / "bundle")
    found, wanted = facts_of(theirs), facts_of(ours)
    assert found["/data/css dir/sub"][1:3] == (1234, 5678)
    assert found.pop(PROGRAM)[:3] == wanted.pop(PROGRAM)[:3] == ("-rwxr-xr-x", 0, 0)
    assert found == wanted
    for root in (theirs, ours):
        program = root / PROGRAM[1:]
        assert read_binary(program).is_static
        said = subprocess.run((program, "--version"), capture_output=True, check=True, text=True).stdout
        assert said == "hello 0.1.0\n"
    assert plain(config_of(layout)) == plain(config_of(tmp_path / "ours"))


def test_a_dynamic_program_runs_on_the_base_that_it_gets(
    tmp_path: Path, project: Path, buildah: Buildah
) -> None:
    text = (project / "Cargo.toml").read_text()
    (project / "Cargo.toml").write_text(text.replace("init = true", 'link = "dynamic"'))
    assert ferrule(["generate", "dockerfile"]) == 0
    buildah.take_layout(base_layout("distroless/cc-debian12:latest"), "gcr.io/distroless/cc-debian12:nonroot")
    root = unpacked(buildah.build(project), tmp_path / "bundle")
    assert read_binary(root / PROGRAM[1:]).interpreter is not None
    said = subprocess.run(("chroot", root, PROGRAM, "--version"), capture_output=True, check=True, text=True)
    assert said.stdout == "hello 0.1.0\n"


def test_the_context_has_what_the_build_needs_and_no_more(
    tmp_path: Path, project: Path, buildah: Buildah
) -> None:
    assert ferrule(["generate", "dockerfile"]) == 0
    for name in (".env", "sub/.env.local", ".git/HEAD", "target/debug/x", ".idea/a", "src/main.rs~"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("secret\n")
    other = tmp_path / "Dockerfile.context"
    other.write_text("FROM scratch\nCOPY . /\n")
    root = unpacked(buildah.build(project, "--file", str(other)), tmp_path / "bundle")
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    aids = {f"deploy/docker/{name}.rs" for name in ("probe", "init", "sys")}
    assert found == {*FILES, "Cargo.lock", "static/link.css", *aids}


def facts_of(root: Path) -> Facts:
    """Path → mode, owner, and a file's digest or where a link leads."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else ""
        if stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        name = f"/{path.relative_to(root)}"
        found[name] = (stat.filemode(status.st_mode), status.st_uid, status.st_gid, content)
    return found


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Without what differs, and why.

    - PATH, which engines give to every image that they build.
    - LINES, of two lines, which a Dockerfile has no form for; a comment in it says so.
    - ArgsEscaped, which BuildKit sets and which is about Windows.
    - ferrule's labels for its own `run --wait`, and buildah's version.
    """
    env = [each for each in config["Env"] if not each.startswith(("PATH=", "LINES="))]
    labels = {
        name: value
        for name, value in config["Labels"].items()
        if not name.startswith(("ferrule.", "io.buildah."))
    }
    kept = {name: value for name, value in config.items() if name != "ArgsEscaped"}
    return {**kept, "Env": sorted(env), "Labels": labels}
