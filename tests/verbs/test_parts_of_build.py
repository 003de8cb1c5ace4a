"""The small steps of a build that need no build: tags, labels, the run configuration."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ferrule.cargo.metadata import Package
from ferrule.config import Settings, resolve
from ferrule.errors import ProjectError, UsageError
from ferrule.oci.image_config import HealthCheck, RunConfig
from ferrule.process import Command, SystemRunner
from ferrule.tables import Source, Table
from ferrule.verbs.aids import Aids
from ferrule.verbs.labels import labels_of, package_labels
from ferrule.verbs.run_config import run_config
from ferrule.verbs.tags import fill_tags
from tests.fakes.answers import Answers, fails, says

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
    with pytest.raises(UsageError) as caught:
        fill_tags(SystemRunner(), ("{branch}",), version="1", folder=tmp_path)
    assert caught.value.hint == "known are {version} and {commit}"
    with pytest.raises(UsageError) as packed:
        fill_tags(SystemRunner(), ("{version}",), version=None, folder=tmp_path)
    assert packed.value.hint == "known is {commit}; a packed program's version is not known: write it"


def test_what_git_cannot_compare_is_no_clean_commit(tmp_path: Path) -> None:
    runner = Answers(table={"git rev-parse": says("0123456789abcdef\n"), "git status": fails("fatal: no")})
    assert fill_tags(runner, ("{commit}",), version="1", folder=tmp_path) == ("0123456789ab-dirty",)


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
        labels={"of": "base", "ferrule.health.path": "/of-the-base"},
        healthcheck=HealthCheck(test=("CMD", "curl")),
        volumes={"/data": {}},
    )
    run = run_config(
        settings_of(env={"A": "own"}, ports=(3000,)),
        below=below,
        program=P("/app/shop"),
        variables={"B": "1"},
        labels={},
        aids=Aids(),
    )
    assert run.env == ("PATH=/bin", "A=own", "B=1")
    assert set(run.exposed_ports or ()) == {"80/tcp", "3000/tcp"}
    assert (run.entrypoint, run.cmd, run.healthcheck) == (("/app/shop",), None, None)
    assert (run.labels, run.volumes) == ({"of": "base"}, {"/data": {}})


def run_of(aids: Aids, **table: Any) -> RunConfig:
    settings = settings_of(**table)
    below = RunConfig()
    return run_config(settings, below=below, program=P("/app/shop"), variables={}, labels={}, aids=aids)


def health_check(aids: Aids, **table: Any) -> Any:
    from ferrule.oci.document import encode

    return json.loads(encode(run_of(aids, **table)))["Healthcheck"]


def test_a_health_command_is_docker_s_health_check_with_the_usual_times() -> None:
    assert health_check(Aids(), health={"command": ["/app/shop", "--health-check"]}) == {
        "Test": ["CMD", "/app/shop", "--health-check"],
        "Interval": 30_000_000_000,
        "Timeout": 5_000_000_000,
        "StartPeriod": 10_000_000_000,
        "Retries": 3,
    }


def test_a_health_path_is_asked_by_the_probe_in_nine_tenths_of_the_check_s_time() -> None:
    health = {"path": "/h", "expect": 204, "header": "Host: a", "timeout": "2s", "retries": 9}
    check = health_check(Aids(probe=b"probe"), health=health, ports=(80,))
    assert check["Test"] == [
        *("CMD", "/.ferrule/probe", "-t", "1800", "-e", "204", "-H", "Host: a"),
        "http://localhost:80/h",
    ]
    assert (check["Timeout"], check["Retries"]) == (2_000_000_000, 9)
    check = health_check(Aids(probe=b"probe"), health={"tcp": 5432})
    assert check["Test"] == ["CMD", "/.ferrule/probe", "-t", "4500", "tcp://localhost:5432"]


def test_an_image_without_a_probe_has_no_check_that_could_only_fail() -> None:
    assert run_of(Aids(), health={"path": "/h"}, ports=(80,)).healthcheck is None


def test_the_init_stands_before_the_program() -> None:
    assert run_of(Aids(init=b"init"), args=("serve",)).entrypoint == ("/.ferrule/init", "--", "/app/shop")
    assert run_of(Aids()).entrypoint == ("/app/shop",)


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        (
            {"health": {"path": "/h"}, "ports": (80, 90)},
            {"ferrule.health.path": "/h", "ferrule.health.port": "80"},
        ),
        ({"health": {"path": "/h", "port": 90}}, {"ferrule.health.path": "/h", "ferrule.health.port": "90"}),
        (
            {"health": {"path": "/h", "expect": 204, "header": "Host: a", "live": "/l"}, "ports": (80,)},
            {
                "ferrule.health.path": "/h",
                "ferrule.health.port": "80",
                "ferrule.health.expect": "204",
                "ferrule.health.header": "Host: a",
                "ferrule.health.live": "/l",
            },
        ),
        ({"health": {"tcp": 5432}, "ports": (80,)}, {"ferrule.health.port": "5432"}),
        ({"health": {"command": ["/x"]}, "ports": (80,)}, None),
        ({}, None),
    ],
)
def test_what_is_asked_is_kept_in_labels(table: dict[str, object], labels: dict[str, str] | None) -> None:
    assert run_of(Aids(), **table).labels == labels
