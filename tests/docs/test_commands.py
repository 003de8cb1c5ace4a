"""Every command that the documents show is run, and prints what they show. `console.py` says how."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ferrule.process import Attached, Command, SystemRunner
from tests.docs.console import Shown, shown_in
from tests.parts.bases import push_bases
from tests.parts.docker import docker_engine
from tests.parts.fixed_port import EXAMPLE, fixed_port
from tests.parts.need import need
from tests.parts.podman import podman_engine
from tests.parts.postgres import postgres
from tests.parts.registry import PASSWORD, USER, htpasswd_registry, open_registry

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
WITH_COMMANDS = [document for document in DOCUMENTS if shown_in(document.read_text(encoding="utf-8"))]
PATIENCE_SECONDS = 1800

Environment = dict[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("docs")


@pytest.fixture(scope="module")
def parts(folder: Path) -> Iterator[Environment]:
    with parts_of_documents(folder) as environment:
        yield environment


@contextmanager
def parts_of_documents(folder: Path) -> Iterator[Environment]:
    """A registry with the bases, one with a login, a Postgres, and nobody's own settings; no engine."""
    need(shutil.which("curl"), "curl")
    need(shutil.which("skopeo"), "skopeo")
    with ExitStack() as stack:
        registry = stack.enter_context(open_registry(folder / "registry"))
        push_bases(registry.host)
        yield {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "REGISTRY": registry.host,
            "PRIVATE": stack.enter_context(htpasswd_registry(folder / "private")).host,
            "LOGIN": f"{USER}:{PASSWORD}",
            "FERRULE_MIRROR": f"gcr.io={registry.host} docker.io={registry.host}",
            "FERRULE_CACHE_DIR": str(folder / "cache"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "DOCKER_CONFIG": str(folder / "docker"),
            "APP_DATABASE_URL": stack.enter_context(postgres(folder / "postgres")),
            "DOCKER_HOST": f"unix://{folder}/no.sock",
        }


@pytest.mark.real
@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_of_a_document_do_what_it_shows(
    document: Path, parts: Environment, folder: Path
) -> None:
    place = folder / document.stem
    place.mkdir()
    # What documents put into /tmp goes where it is tidied away.
    commands = shown_in(document.read_text(encoding="utf-8").replace("/tmp/", f"{place}/"))
    with ExitStack() as stack:
        stack.enter_context(fixed_port(EXAMPLE))
        # Engines bring the PATH of their client, which is the machine's: ferrule's own goes before it.
        environment = {**parts, **engines(stack, commands, place), "PATH": parts["PATH"]}
        for number, shown in enumerate(commands):
            log = place / f"{number}.log"
            if shown.goes_on:
                stack.enter_context(kept_running(shown, environment, log))
            else:
                run_to_the_end(shown, environment, log)


def engines(stack: ExitStack, commands: tuple[Shown, ...], place: Path) -> Environment:
    """The engines that the commands name."""
    words = {word for shown in commands for word in shown.command.split()}
    environment: Environment = {}
    if "docker" in words:
        environment |= stack.enter_context(docker_engine(place / "docker")).env
    if "podman" in words:
        environment |= stack.enter_context(podman_engine(place / "podman")).env
    return environment


def run_to_the_end(shown: Shown, environment: Environment, log: Path) -> None:
    program = started(shown, environment, log)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not program.ended():
        if time.monotonic() > deadline:
            program.signal(signal.SIGINT)
            pytest.fail(f"does not end: {shown.command}\n{log.read_text()}")
        time.sleep(0.02)
    printed = log.read_text()
    assert (program.wait() != 0) == shown.fails, f"{shown.command}\n{printed}"
    missing = shown.missing_from(printed, ROOT)
    assert missing is None, f"{shown.command} does not print {missing!r} but\n{printed}"


@contextmanager
def kept_running(shown: Shown, environment: Environment, log: Path) -> Iterator[None]:
    """While the block lasts, the command runs and has printed what the document shows; Ctrl-C ends it."""
    program = started(shown, environment, log)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (missing := shown.missing_from(log.read_text(), ROOT)) is not None:
            gone = program.ended() or time.monotonic() > deadline
            assert not gone, f"{shown.command} does not print {missing!r} but\n{log.read_text()}"
            time.sleep(0.02)
        yield
    finally:
        program.signal(signal.SIGINT)
        code = program.wait()
    assert code == 0, log.read_text()


def started(shown: Shown, environment: Environment, log: Path) -> Attached:
    command = Command(argv=("bash", "-c", f"exec {shown.command}"), cwd=ROOT, env=environment)
    with log.open("wb") as stream:
        return SystemRunner().attached(command, stdout=stream, stderr=stream)
