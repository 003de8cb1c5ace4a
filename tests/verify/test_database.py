"""The database beside a program that is verified: the same on every engine, and gone with the verdict."""

import gzip
import io
import os
import re
import secrets
import shutil
import signal
import subprocess  # noqa: TID251 - processes that are killed, or are another user's
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.config import UserConfig
from ferrule.contract import Variable
from ferrule.engine.embedded import embedded_server, find_programs
from ferrule.errors import EngineError
from ferrule.image.image import Image
from ferrule.image.layout import read_layout
from ferrule.oci.platform import this_platform
from ferrule.oci.reference import parse_reference
from ferrule.process import SystemRunner
from ferrule.verbs.context import Context
from ferrule.verbs.database import Needs
from ferrule.verbs.trial import Subject, Verified, VerifyOptions, verify
from tests.engine.test_sandbox import AS_NOBODY
from tests.fakes.images import entry, image_of, tar_of
from tests.fakes.report import Notes
from tests.parts.docker import DockerEngine
from tests.parts.need import need
from tests.parts.podman import PodmanEngine
from tests.parts.postgres import programs
from tests.parts.postgres_image import PROGRAMS, load_postgres, postgres_layout
from tests.verify.verify_here import NEEDS

pytestmark = pytest.mark.real
CHECKS = ["migrate", "health", "ports", "memory", "stop"]
ENGINES = ("sandbox", "docker", "podman")
START = """\
#!/bin/sh
# `migrate` counts how often it ran, in the database; the service runs when that was once.
ask() { psql --no-psqlrc -qtA -v ON_ERROR_STOP=1 -c "$1" "$DATABASE_URL"; }
word="$1"
shift
case "$word" in
migrate)
    ask 'create table if not exists runs (at timestamptz); insert into runs values (now())' ;;
serve)
    [ "$(ask 'select count(*) from runs')" = 1 ] || exit 9
    exec /service "$@" ;;
fail)
    echo "the url is $DATABASE_URL"
    ask 'select * from nowhere' ;;
esac
"""

CONTRACT = (
    Variable(name="DATABASE_URL", required=True, secret=True),
    Variable(name="TOKEN", required=True, example="of-the-test"),
)
Call = Callable[..., tuple[Verified, Notes]]


NEEDED = re.compile(
    r"bin/(?:da)?sh|lib64(?:/.*)?|etc(?:/.*)?|(?:usr/)?lib/[^/]+-linux-gnu/(?!libicu)[^/]+\.so[^/]*|.*/bin/psql"
)
"""What a shell and psql need of the image of Postgres."""


def shell_and_psql() -> bytes:
    below = read_layout(postgres_layout(), "latest", this_platform())
    layer = below.layers[0]
    kept = io.BytesIO()
    with (
        gzip.open(below.blobs.path(layer)) as raw,
        tarfile.open(fileobj=raw, mode="r|") as source,
        tarfile.open(fileobj=kept, mode="w") as target,
    ):
        for member in source:
            if NEEDED.fullmatch(member.name):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
    return kept.getvalue()


@pytest.fixture(scope="module")
def image(service: bytes, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The service behind a script that asks the database with psql."""
    place = tmp_path_factory.mktemp("image")
    above = tar_of((entry("service", service, mode=0o755), entry("start", START.encode(), mode=0o755)))
    return image_of(
        place / "layout",
        [shell_and_psql(), above],
        Entrypoint=["/bin/sh", "/start"],
        Cmd=["serve", "need=TOKEN"],
        User="65532:65532",
        Env=[f"PATH={PROGRAMS}:/usr/bin:/bin"],
        ExposedPorts={"3000/tcp": {}},
        Healthcheck={"Test": ["CMD", "/service", "check"], "Timeout": 10_000_000_000},
    )


@pytest.fixture(scope="module")
def engines(daemon: DockerEngine, podman_here: PodmanEngine) -> dict[str, str]:
    """Docker and Podman that have `postgres:16`."""
    load_postgres("docker", daemon.env)
    load_postgres("podman", podman_here.env)
    return {**podman_here.env, **daemon.env}


@pytest.fixture
def verified(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Verifies the image, with its database, on an engine."""

    def call(engine: str, needs: Needs = NEEDS, **options: object) -> tuple[Verified, Notes]:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        notes = Notes()
        context = Context(runner=SystemRunner(), report=notes, cache=tmp_path / "cache", trust=UserConfig())
        name = parse_reference(f"verify-{secrets.token_hex(4)}:1")
        subject = Subject(
            name=f"{name.repository}:1".removeprefix("library/"),
            image=image,
            run=image.config.run,
            contract=CONTRACT,
            needs=needs,
        )
        how = VerifyOptions(engine=engine, within=60, **options)  # type: ignore[arg-type]  # a table of options
        try:
            return verify(context, subject, how, name), notes
        finally:
            context.close()

    return call


def nothing_is_left(folder: Path, daemon: DockerEngine, podman_here: PodmanEngine) -> bool:
    containers = daemon.docker("ps", "-aq") + podman_here.podman("ps", "-aq")
    return not containers.strip() and not list(folder.glob("ferrule-*"))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_program_migrates_once_and_then_runs_with_its_database_and_nothing_stays(
    engine: str,
    verified: Call,
    engines: dict[str, str],
    daemon: DockerEngine,
    podman_here: PodmanEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in engines.items():
        monkeypatch.setenv(name, value)
    found, notes = verified(engine)
    assert [check.name for check in found.verdict.checks if check.ok] == CHECKS, found
    assert found.verdict.ok
    ports = next(check for check in found.verdict.checks if check.name == "ports")
    assert ports.said == "it listens on 0.0.0.0:3000"
    started = [line for line in notes.said if line.startswith("database: Postgres ")]
    assert len(started) == 1
    assert started[0].endswith(", url in DATABASE_URL")
    assert ("embedded" in started[0]) == (engine == "sandbox")
    assert any("15." in line and "asks for Postgres 16" in line for line in notes.warnings) == (
        "Postgres 16" not in started[0]
    )
    assert nothing_is_left(tmp_path, daemon, podman_here)


@pytest.mark.parametrize(
    "engine", ["sandbox", *(pytest.param(name, marks=pytest.mark.acceptance) for name in ENGINES[1:])]
)
def test_a_migration_that_fails_is_the_verdict_and_its_words_are_without_the_url(
    engine: str, verified: Call, engines: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in engines.items():
        monkeypatch.setenv(name, value)
    found, _ = verified(engine, Needs(database=NEEDS.database, migrate=("fail",)))
    (check,) = found.verdict.checks
    assert (check.name, check.ok) == ("migrate", False)
    assert "with exit code 1" in check.said
    assert 'relation "nowhere" does not exist' in found.last_lines
    assert "the url is ***" in found.last_lines


def test_further_boots_find_the_database_as_one_migration_left_it(verified: Call) -> None:
    """The script ends with 9 where the migration ran twice, or not at all."""
    own = ("DATABASE_URL", "postgres://mine@db.example.com/shop")
    found, notes = verified("sandbox", env_check=True, env=(own,))
    assert "DATABASE_URL of yours is not used: --network host reaches its database" in notes.warnings
    checks = {check.name: check for check in found.verdict.checks}
    assert checks["health"].ok
    assert "without TOKEN it ends" in checks["env TOKEN"].said
    assert "with exit code 1" in checks["env TOKEN"].said
    assert "with exit code 9" in checks["env DATABASE_URL"].said


def test_an_engine_without_the_image_says_how_to_get_it(
    verified: Call, daemon: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in daemon.env.items():
        monkeypatch.setenv(name, value)
    assert NEEDS.database is not None
    with pytest.raises(EngineError) as caught:
        verified("docker", Needs(database=type(NEEDS.database)(version="9.1")))
    assert caught.value.message == "docker has no image postgres:9.1 for the database"
    assert caught.value.hint.startswith("docker pull postgres:9.1, use --engine sandbox")
    assert caught.value.exit_code == 6
    _, notes = verified("auto", Needs(database=type(NEEDS.database)(version="9.1"), migrate=("migrate",)))
    assert any("with sandbox (docker has no image postgres:9.1" in line for line in notes.said)


def test_another_user_verifies_with_a_database_in_user_namespaces(image: Image, tmp_path: Path) -> None:
    need(shutil.which("unshare"), "unshare (util-linux)")
    layout = next(path for path in image.blobs.path(image.layers[0]).parents if path.name == "layout")
    argv = (*AS_NOBODY, sys.executable, "-m", "tests.verify.verify_here", str(layout), str(tmp_path))
    finished = subprocess.run(
        argv, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.split("\n")[:2] == ["migrate ok", "health ok"]
    assert list(tmp_path.glob("ferrule-*")) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_of_an_embedded_server_outlives_its_parent(number: int, tmp_path: Path) -> None:
    argv = (sys.executable, "-m", "tests.verify.postgres_here", str(programs()))
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = Path(f"/proc/{parent.stdout.readline().strip()}")
        assert server.is_dir()
        parent.send_signal(number)
    deadline = time.monotonic() + 60
    while server.exists() or list(tmp_path.iterdir()):
        assert time.monotonic() < deadline, list(tmp_path.iterdir())
        time.sleep(0.02)


def test_a_server_of_the_version_goes_before_the_first_one_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 9.6.24'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_programs("9") == tmp_path
    assert find_programs("8") == tmp_path
    assert find_programs("16") != tmp_path


def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    for name, said in (("initdb", "exit 0"), ("postgres", "echo FATAL: no room >&2; exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{said}\n")
        (tmp_path / name).chmod(0o755)
    with (
        pytest.raises(EngineError, match="the embedded Postgres does not start: FATAL: no room"),
        embedded_server(tmp_path, 5432, alone=True),
    ):
        pass
    assert list((tmp_path / "tmp").iterdir()) == []
