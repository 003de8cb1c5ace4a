"""Every kind of file for real projects: each judge is content, and a project that changes is found out."""

import re
import shutil
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
from pathlib import Path

import pytest

from ferrule.cli.generate import KINDS
from tests.generate import (
    judge_compose,
    judge_dockerfile,
    judge_ecs,
    judge_github,
    judge_kubernetes,
    judge_systemd,
)
from tests.journey.ferrule import ROOT, SHOP, ferrule

pytestmark = pytest.mark.real

EXAMPLE = "shop"
PROJECTS = ROOT / "tests" / "projects"
QUICK = ("assets-read", "libpq", "two-binaries")
SLOW = (
    "aws-lc",
    "cplusplus",
    "native-certs",
    "no-lock-file",
    "no-std-member",
    "openssl-system",
    "plug-in",
    "protoc",
    "time-zones",
    "toolchain-pin",
    "sqlite-bundled",
)
JUDGES = (judge_compose, judge_dockerfile, judge_ecs, judge_github, judge_kubernetes, judge_systemd)
SETTINGS = """
[{table}.metadata.ferrule]
image = "ghcr.io/acme/{name}"
ports = [8080, "5353/udp"]
health = {{ path = "/health", live = "/live" }}
volumes = ["/data"]
init = true
{files}
"""
"""What none of the projects says for itself."""


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a project, with something to say in each kind of file."""
    name, place = str(request.param), tmp_path / str(request.param)
    if name == EXAMPLE:
        shutil.copytree(SHOP, place, ignore=shutil.ignore_patterns("target"))
        return place
    shutil.copytree(PROJECTS / name, place)
    manifest = place / "Cargo.toml"
    text = manifest.read_text()
    table = "package" if "[package]" in text else "workspace"
    own = re.search(r"\[package\.metadata\.ferrule\]\n((?:.+\n)*)", text)
    kept = text.replace(own[0], "") if own else text
    manifest.write_text(kept + SETTINGS.format(table=table, name=name, files=own[1] if own else ""))
    return place


def check(project: Path) -> "subprocess.CompletedProcess[str]":
    argv = (sys.executable, "-m", "ferrule", "generate", "--check", "--project", str(project))
    return subprocess.run(argv, capture_output=True, text=True)


def change(project: Path, form: str, text: str) -> None:
    manifest = project / "Cargo.toml"
    changed, count = re.subn(form, text, manifest.read_text())
    assert count == 1, manifest
    manifest.write_text(changed)


def prove(project: Path) -> None:
    ferrule("generate", *KINDS, "--project", str(project))
    assert [finding for judge in JUDGES for finding in judge.findings(project)] == []
    clean = check(project)
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", "")
    before = (project / "Dockerfile").read_text()
    ferrule("generate", *KINDS, "--project", str(project))
    assert (project / "Dockerfile").read_text() == before

    manifest = project / "Cargo.toml"
    text = manifest.read_text()
    manifest.write_text(
        text.replace("ports = [3000", "ports = [4000").replace("ports = [8080", "ports = [4000")
    )
    drifted = check(project)
    assert drifted.returncode == 3
    assert "\n+EXPOSE 4000/tcp" in drifted.stdout
    assert re.search(
        r"^hint: ferrule generate dockerfile compose .*kubernetes ecs systemd$", drifted.stderr, re.M
    )


@pytest.mark.parametrize("project", [EXAMPLE, *QUICK], indirect=True)
def test_every_judge_is_content_and_a_change_of_port_is_found(project: Path) -> None:
    prove(project)


@pytest.mark.acceptance
@pytest.mark.parametrize("project", SLOW, indirect=True)
def test_every_judge_is_content_with_more_projects(project: Path) -> None:
    prove(project)


@pytest.mark.parametrize("project", ["two-binaries"], indirect=True)
def test_another_binary_is_found(project: Path) -> None:
    ferrule("generate", *KINDS, "--project", str(project))
    manifest = project / "Cargo.toml"
    manifest.write_text(
        manifest.read_text().replace('default-run = "shop-server"', 'default-run = "shop-worker"')
    )
    drifted = check(project)
    assert drifted.returncode == 3
    assert "shop-worker" in drifted.stdout
