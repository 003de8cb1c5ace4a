"""The gate before a push: what is not fit to run reaches no registry, whoever wants to send it there."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferrule.cli import types
from ferrule.cli.app import run
from ferrule.engine.inside import MEMORY
from ferrule.values import parse_size
from tests.cargo_projects import manifest, write_project
from tests.parts.registry import RunningRegistry, open_registry

CONFIG = """
ports = [3000]
health = { command = ["/app/service", "check"] }
"""
GOOD, BROKEN = "", 'args = ["exit=2"]\n'
WRITES = re.compile(r'http\.request\.method=(?:PUT|POST|PATCH|DELETE)|"(?:PUT|POST|PATCH|DELETE) /v2/')

RULE = "[package.metadata.ferrule]\nverify = true\n"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with open_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def ferrule(
    service: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Runs a command line in a folder with the program `service`; gives exit code, stdout and stderr."""
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("FERRULE_VERIFY_ENGINE", "sandbox")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "service").write_bytes(service)
    (tmp_path / "service").chmod(0o755)

    def call(*words: str) -> tuple[int, str, str]:
        code = run([*words])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


def push(
    ferrule: Call, registry: RunningRegistry, name: str, config: str, *words: str
) -> tuple[int, str, str]:
    Path("ferrule.toml").write_text(CONFIG + config)
    image = f"{registry.host}/{name}"
    return ferrule("pack", "service", "--config", "ferrule.toml", "--push", "--image", image, *words)


def writes(registry: RunningRegistry, name: str) -> list[str]:
    """The requests of the log that would change anything below a name."""
    return [line for line in registry.log.read_text().splitlines() if WRITES.search(line) and name in line]


@pytest.mark.real
def test_what_is_not_fit_to_run_is_not_pushed(ferrule: Call, registry: RunningRegistry) -> None:
    code, out, err = push(ferrule, registry, "gate/broken", BROKEN, "--verify")
    assert (code, out) == (6, "")
    assert "error: as it was told\n" in err
    assert re.search(
        r"error: .*/gate/broken:latest is not fit to run: it ended after .* with exit code 2", err
    )
    assert writes(registry, "gate/broken") == []
    assert push(ferrule, registry, "gate/broken", BROKEN)[0] == 0
    assert writes(registry, "gate/broken")


@pytest.mark.real
def test_the_project_can_make_it_the_rule_and_a_flag_leaves_it_out(
    ferrule: Call, registry: RunningRegistry
) -> None:
    rule = f"verify = true\n{BROKEN}"
    assert push(ferrule, registry, "gate/rule", rule)[0] == 6
    assert writes(registry, "gate/rule") == []
    code, out, _ = push(ferrule, registry, "gate/rule", rule, "--no-verify")
    assert (code, out[: len(registry.host)]) == (0, registry.host)


@pytest.mark.real
def test_the_gate_starts_the_database_that_the_settings_name(
    ferrule: Call, registry: RunningRegistry
) -> None:
    needs = 'args = ["need=SHOP_DB"]\ndatabase = { postgres = "16", url-env = "SHOP_DB" }\n'
    code, _, err = push(ferrule, registry, "gate/database", needs, "--verify")
    assert code == 0, err
    assert re.search(r"database: Postgres [0-9.]+ embedded, url in SHOP_DB\n", err)
    assert "verified: healthy after" in err
    fails = f'{needs}migrate = {{ args = ["exit=3"] }}\n'
    code, _, err = push(ferrule, registry, "gate/migrate", fails, "--verify")
    assert code == 6
    assert "error: as it was told\n" in err
    assert re.search(r"is not fit to run: the migration ended after .* with exit code 3\nhint: ", err)
    assert writes(registry, "gate/migrate") == []


@pytest.mark.real
def test_what_was_verified_once_is_not_verified_again(ferrule: Call, registry: RunningRegistry) -> None:
    code, _, err = push(ferrule, registry, "gate/good", GOOD, "--verify")
    assert (code, "verified: healthy after" in err) == (0, True)
    code, _, err = push(ferrule, registry, "gate/good", GOOD, "--verify")
    assert (code, "verified before: sha256:" in err, "healthy" in err) == (0, True, False)
    Path("other.env").write_text("A=1\n")
    code, _, err = push(ferrule, registry, "gate/good", GOOD, "--verify", "--verify-env-file", "other.env")
    assert (code, "verified: healthy after" in err) == (0, True)
    assert push(ferrule, registry, "gate/good", BROKEN, "--verify")[0] == 6


def test_machines_are_told_what_was_verified(ferrule: Call) -> None:
    Path("ferrule.toml").write_text(CONFIG)
    words = ("pack", "service", "--config", "ferrule.toml", "--output", "oci:out", "--json")
    assert json.loads(ferrule(*words)[1])["verified"] is None
    first, again = (json.loads(ferrule(*words, "--verify")[1]) for _ in range(2))
    found = first["verified"]
    assert (found["digest"], found["engine"]) == (first["images"][0]["digest"], "sandbox")
    assert found["platform"] == first["images"][0]["platform"]
    assert 0 < found["seconds"] < 60
    assert 0 < found["memory"] < MEMORY
    assert (found["before"], again["verified"]) == (False, {**found, "before": True})


def test_the_limit_is_written_as_it_is() -> None:
    assert parse_size(types.MEMORY) == MEMORY


def test_a_variable_without_a_value_is_refused_before_anything_is_made(ferrule: Call) -> None:
    Path("ferrule.toml").write_text(f"{CONFIG}\n[env]\nTOKEN = {{ required = true, secret = true }}\n")
    words = ("pack", "service", "--config", "ferrule.toml", "--output", "oci:out", "--verify")
    code, out, err = ferrule(*words)
    assert (code, out) == (2, "")
    assert "error: the contract requires TOKEN, and there is no value for it here" in err
    assert not Path("out").exists()
    Path("own.env").write_text("TOKEN=t0ken-of-the-test\n")
    code, out, err = ferrule(*words, "--verify-env-file", "own.env")
    assert (code, out) == (0, "oci:out:latest\n")
    assert not [file for file in Path("out").rglob("*") if file.is_file() and b"t0ken" in file.read_bytes()]


@pytest.mark.real
def test_a_build_that_is_not_fit_to_run_goes_nowhere_and_plan_says_that_it_will_be_verified(
    ferrule: Call, tmp_path: Path
) -> None:
    project = write_project(tmp_path / "project")
    assert json.loads(ferrule("plan", str(project), "--json")[1])["verify"]["value"] is False
    planned = json.loads(ferrule("plan", str(project), "--verify", "--json")[1])["verify"]
    assert planned == {"value": True, "reason": "asked for by --verify"}
    table = write_project(tmp_path / "table", {"Cargo.toml": manifest(extra=RULE)})
    planned = json.loads(ferrule("plan", str(table), "--json")[1])["verify"]
    assert planned["value"] is False
    assert planned["reason"].endswith(", before a push, and this is none")
    code, out, err = ferrule("build", str(project), "--verify")
    assert (code, out) == (6, "")
    assert "with exit code 0" in err
    assert not (project / "target" / "ferrule" / "image" / "index.json").exists()


def test_the_limits_of_the_gate_are_flags(ferrule: Call) -> None:
    Path("ferrule.toml").write_text(f'{CONFIG}args = ["eat=48"]\n')
    words = ("pack", "service", "--config", "ferrule.toml", "--output", "oci:out", "--verify")
    code, _, err = ferrule(*words, "--verify-memory", "32MiB")
    assert (code, "it used more than 32 MiB of memory" in err) == (6, True)
    assert "--verify-memory" in err
    assert ferrule(*words, "--verify-memory", "256MiB")[0] == 0
