"""The generated workflow's own scripts, run here: they end with the digest of an image that was pushed."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cargo_projects import write_project
from tests.generate.workflow_runner import Job, Machine, run_workflow
from tests.journey.ferrule import SHOP, ferrule, tool
from tests.parts.debian import CACHE
from tests.parts.need import need
from tests.parts.registry import PASSWORD, USER, htpasswd_registry

pytestmark = pytest.mark.real
WORKFLOW = Path(".github") / "workflows" / "ferrule.yml"
SERVER = """//! Answers every request with 200, until it is asked to end.

use std::io::{Read, Write};

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(code: i32) -> !;
}

extern "C" fn end(_: i32) {
    unsafe { _exit(0) }
}

fn main() {
    unsafe { signal(15, end) };
    let name = std::env::var("TINY_NAME").expect("TINY_NAME is not set");
    let server = std::net::TcpListener::bind("0.0.0.0:8080").expect("the port is free");
    for mut stream in server.incoming().flatten() {
        let _ = stream.read(&mut [0; 1024]);
        let _ = write!(stream, "HTTP/1.1 200 OK\\r\\nContent-Length: {}\\r\\n\\r\\n{name}", name.len());
    }
}

#[test]
fn one_is_one() {
    assert_eq!(1, 1);
}
"""
MANIFEST = """[package]
name = "tiny"
version = "0.3.1"
edition = "2024"

[package.metadata.ferrule]
image = "{image}"
ports = [8080]
health = {{ path = "/health" }}
env.TINY_NAME = {{ required = true }}
"""
GITHUB: Mapping[str, Any] = {
    "event_name": "push",
    "event": {"repository": {"default_branch": "main"}},
    "ref": "refs/heads/main",
    "ref_name": "main",
    "ref_type": "branch",
    "repository": "Acme/tiny",
    "actor": "ada",
    "token": "of no use",
}
LOGIN = {"REGISTRY_USER": USER, "REGISTRY_PASSWORD": PASSWORD}
Run = Callable[..., dict[str, Job]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that asks for a login."""
    with htpasswd_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running.host


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Path:
    """A repository with the workflow that is generated for it."""
    files = {"Cargo.toml": MANIFEST.format(image=f"{registry}/acme/tiny"), "src/main.rs": SERVER}
    return committed(write_project(tmp_path_factory.mktemp("project") / "tiny", files))


def committed(project: Path, repository: Path | None = None) -> Path:
    """The repository, whose root is the project unless another is said."""
    root = repository or project
    (project / ".gitignore").write_text("target/\n")
    tool("cargo", "generate-lockfile", "--manifest-path", project / "Cargo.toml", "--offline")
    tool("git", "init", "--quiet", "-b", "main", root)
    ferrule("generate", "github", "--project", str(project))
    tool("git", "-C", root, "add", ".")
    commit(root, "All of it")
    return root


def commit(project: Path, message: str) -> None:
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    tool("git", "-C", project, *author, "commit", "--quiet", "-a", "-m", message)


def run(
    project: Path,
    folder: Path,
    home: Path,
    github: Mapping[str, str] | None = None,
    workflow: Path | None = None,
) -> dict[str, Job]:
    """The jobs of the project's workflow on a machine that has Rust, and neither Docker nor logins."""
    for name in ("git", "rustup", "skopeo"):
        need(shutil.which(name), name)
    own = Path.home()
    env = {
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(own / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(own / ".rustup")),
        "DOCKER_HOST": f"unix://{folder}/no.sock",
        "XDG_CONFIG_HOME": str(home / "config"),
        "FERRULE_CACHE_DIR": str(folder / "cache"),  # what was verified there once is not verified again
    }
    machine = Machine(
        project=project, folder=folder, home=home, github={**GITHUB, **(github or {})}, secrets=LOGIN, env=env
    )
    return run_workflow(workflow or project / WORKFLOW, machine)


def digest_of(name: str) -> str:
    """What the registry has under a name, as another tool sees it."""
    flags = ("--tls-verify=false", "--creds", f"{USER}:{PASSWORD}", "--format", "{{.Digest}}")
    return tool("skopeo", "inspect", *flags, f"docker://{name}")


def check_pushed(jobs: Mapping[str, Job], repository: str, *tags: str) -> None:
    digest = jobs["image"].outputs["digest"]
    assert jobs["image"].outputs["image"] == f"{repository}@{digest}"
    assert jobs["image"].summary == f"Pushed `{repository}@{digest}`\n"
    assert [digest_of(f"{repository}:{tag}") for tag in tags] == [digest] * len(tags)
    assert "verified: healthy" in jobs["image"].steps[-1].printed
    for job in jobs.values():
        assert PASSWORD not in "".join(f"{step.script}{step.printed}" for step in job.steps)


def test_a_push_to_the_default_branch_ends_with_the_pushed_digest(
    tiny: Path, registry: str, tmp_path: Path
) -> None:
    jobs = run(tiny, tmp_path / "machine", tmp_path / "home")
    commit = tool("git", "-C", tiny, "rev-parse", "--short=12", "HEAD")
    check_pushed(jobs, f"{registry}/acme/tiny", "latest", commit)
    assert "1 passed" in next(step.printed for step in jobs["test"].steps if step.name == "Test")
    asked = (tmp_path / "machine" / "programs" / "pipx.log").read_text()
    assert asked.startswith("install ferrule==")


def test_a_tag_is_pushed_as_the_version(tiny: Path, registry: str, tmp_path: Path) -> None:
    tag = {"ref": "refs/tags/v0.3.1", "ref_name": "v0.3.1", "ref_type": "tag"}
    check_pushed(run(tiny, tmp_path / "machine", tmp_path / "home", tag), f"{registry}/acme/tiny", "0.3.1")


@pytest.mark.parametrize(
    "github",
    [
        {"event_name": "pull_request", "ref": "refs/pull/1/merge", "ref_name": "1/merge"},
        {"ref": "refs/heads/trunk", "ref_name": "trunk"},
    ],
    ids=["pull request", "another branch"],
)
def test_anything_else_is_tested_and_no_more(tiny: Path, tmp_path: Path, github: dict[str, str]) -> None:
    jobs = run(tiny, tmp_path / "machine", tmp_path / "home", github)
    assert [step.name for step in jobs["test"].steps if step.name == "Test"] == ["Test"]
    assert jobs["image"].steps == []


def test_an_image_that_is_not_fit_is_not_pushed(registry: str, tmp_path: Path) -> None:
    files = {
        "Cargo.toml": MANIFEST.format(image=f"{registry}/acme/deaf"),
        "src/main.rs": SERVER.replace("0.0.0.0", "127.0.0.1"),
    }
    project = committed(write_project(tmp_path / "deaf", files))
    with pytest.raises(AssertionError, match=r"is not fit to run: it listens on 127\.0\.0\.1:8080 only"):
        run(project, tmp_path / "machine", tmp_path / "home")
    with pytest.raises(AssertionError, match="unknown"):
        digest_of(f"{registry}/acme/deaf:latest")


def test_a_project_below_the_root_of_its_repository(tiny: Path, registry: str, tmp_path: Path) -> None:
    project = tmp_path / "repository" / "services" / "tiny"
    shutil.copytree(tiny, project, ignore=shutil.ignore_patterns(".git", ".github"))
    repository = committed(project, tmp_path / "repository")
    workflow = repository / WORKFLOW.with_name("ferrule-tiny.yml")
    jobs = run(repository, tmp_path / "machine", tmp_path / "home", workflow=workflow)
    check_pushed(jobs, f"{registry}/acme/tiny", "latest")


def test_drift_ends_the_run(tiny: Path, tmp_path: Path) -> None:
    project = tmp_path / "tiny"
    shutil.copytree(tiny, project)
    manifest = project / "Cargo.toml"
    manifest.write_text(manifest.read_text().replace("/acme/tiny", "/acme/small"))
    commit(project, "Drift")
    with pytest.raises(AssertionError, match="hint: ferrule generate github"):
        run(project, tmp_path / "machine", tmp_path / "home")


@pytest.mark.acceptance
def test_the_example_with_its_database(registry: str, tmp_path: Path) -> None:
    """The tests' Postgres, the program's own migrations, sqlx-cli, and an image verified with a database."""
    project = tmp_path / "shop"
    shutil.copytree(SHOP, project, ignore=shutil.ignore_patterns("target"))
    manifest = project / "Cargo.toml"
    manifest.write_text(
        manifest.read_text().replace("\nports =", f'\nimage = "{registry}/acme/shop"\nports =')
    )
    committed(project)
    # What is kept between runs is sqlx-cli, as the workflow's own cache would have it.
    jobs = run(project, tmp_path / "machine", CACHE / "workflow")
    check_pushed(jobs, f"{registry}/acme/shop", "latest")
    printed = {step.name: step.printed for step in jobs["test"].steps}
    assert "the database is up to date" in printed["Migrate"]
    assert "query data" not in printed["Is .sqlx what the queries and the database say?"]
    assert "test result: ok" in printed["Test"]
    assert (tmp_path / "machine" / "programs" / "docker.log").read_text() == "pull --quiet postgres:16\n"
