"""The small steps of a build that need no build: tags, labels, the run configuration."""

import json
from pathlib import Path, PurePosixPath

import pytest

from ferrule.cargo.metadata import Package
from ferrule.config import Settings, Source, Table, resolve
from ferrule.errors import ProjectError, UsageError
from ferrule.oci.image_config import HealthCheck, RunConfig
from ferrule.process import Command, SystemRunner
from ferrule.verbs.labels import labels_of, package_labels
from ferrule.verbs.run_config import run_config
from ferrule.verbs.tags import fill_tags

P = PurePosixPath


def settings_of(**table: object) -> Settings:
    return resolve((Source(table=Table(**table), origin="flags"),))  # type: ignore[arg-type]  # the tests' own keys


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    assert SystemRunner().run(Command(argv=("git", *identity, *arguments), cwd=folder)).ok


def test_tags_name_version_and_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "first")
    templates = ("{version}", "v{version}-{commit}", "{version}")
    tags = fill_tags(SystemRunner(), templates, version="1.2.0+x", folder=tmp_path)
    assert tags[0] == "1.2.0_x"
    assert len(tags) == 2
    assert len(tags[1]) == len("v1.2.0_x-") + 12
    (tmp_path / "file").write_text("2")
    assert fill_tags(SystemRunner(), ("{commit}",), version="1", folder=tmp_path)[0].endswith("-dirty")


def test_tags_that_cannot_be_filled_are_refused(tmp_path: Path) -> None:
    assert fill_tags(SystemRunner(), (), version="1", folder=tmp_path) == ("latest",)
    with pytest.raises(ProjectError, match="has no git commit"):
        fill_tags(SystemRunner(), ("{commit}",), version="1", folder=tmp_path)
    with pytest.raises(UsageError):
        fill_tags(SystemRunner(), ("{branch}",), version="1", folder=tmp_path)


def package(description: str, license_: str, repository: str) -> Package:
    return Package(
        name="shop",
        version="1.0.0",
        id="x",
        manifest_path=Path("/x/Cargo.toml"),
        targets=(),
        description=description,
        license=license_,
        repository=repository,
    )


def test_labels_come_from_the_manifest_and_the_user_s_own_win() -> None:
    known = package_labels(package("A\n shop", "MIT/Apache-2.0", "https://example.com/r"))
    own = {"org.opencontainers.image.title": "Own", "team": "a"}
    made = labels_of({**known, "base.name": "debian"}, own)
    prefix = "org.opencontainers.image."
    assert made == {
        f"{prefix}title": "Own",
        f"{prefix}version": "1.0.0",
        f"{prefix}description": "A shop",
        f"{prefix}licenses": "MIT OR Apache-2.0",
        f"{prefix}source": "https://example.com/r",
        f"{prefix}url": "https://example.com/r",
        f"{prefix}base.name": "debian",
        "team": "a",
    }


def test_the_base_s_variables_and_ports_stay_and_its_command_goes() -> None:
    below = RunConfig(
        env=("PATH=/bin", "A=base"),
        exposed_ports={"80/tcp": {}},
        entrypoint=("/bin/sh",),
        cmd=("-c",),
        labels={"of": "base"},
        healthcheck=HealthCheck(test=("CMD", "curl")),
        volumes={"/data": {}},
    )
    run = run_config(
        settings_of(env={"A": "own"}, ports=(3000,)),
        below=below,
        program=P("/app/shop"),
        variables={"B": "1"},
        labels={},
    )
    assert run.env == ("PATH=/bin", "A=own", "B=1")
    assert set(run.exposed_ports or ()) == {"80/tcp", "3000/tcp"}
    assert (run.entrypoint, run.cmd, run.healthcheck) == (("/app/shop",), None, None)
    assert (run.labels, run.volumes) == ({"of": "base"}, {"/data": {}})


def test_a_health_command_is_docker_s_health_check_with_the_usual_times() -> None:
    settings = settings_of(health={"command": ["/app/shop", "--health-check"]})
    run = run_config(settings, below=RunConfig(), program=P("/app/shop"), variables={}, labels={})
    from ferrule.oci.document import encode

    assert json.loads(encode(run))["Healthcheck"] == {
        "Test": ["CMD", "/app/shop", "--health-check"],
        "Interval": 30_000_000_000,
        "Timeout": 5_000_000_000,
        "StartPeriod": 10_000_000_000,
        "Retries": 3,
    }


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        (
            {"health": {"path": "/h"}, "ports": (80, 90)},
            {"ferrule.health.path": "/h", "ferrule.health.port": "80"},
        ),
        ({"health": {"path": "/h", "port": 90}}, {"ferrule.health.path": "/h", "ferrule.health.port": "90"}),
        ({"health": {"path": "/h"}}, None),
        ({}, None),
    ],
)
def test_a_health_path_is_kept_in_labels(table: dict[str, object], labels: dict[str, str] | None) -> None:
    run = run_config(settings_of(**table), below=RunConfig(), program=P("/x"), variables={}, labels={})
    assert run.labels == labels
