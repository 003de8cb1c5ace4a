"""A verification that is killed: an engine does not notice, and nothing of it may stay."""

import contextlib
import secrets
import signal
import sys
import time
from pathlib import Path

import pytest

from ferrule.process import Command, SystemRunner
from tests.parts.docker import DockerEngine
from tests.verify.conftest import subject_of
from tests.verify.rows import Row


def guards(name: str) -> list[Path]:
    """The processes of guards whose parent verifies an image of that name."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"ferrule.engine.container_guard" in (place / "cmdline").read_bytes():
                parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
                if name.encode() in Path("/proc", parent, "cmdline").read_bytes():
                    found.append(place)
    return found


@pytest.mark.real
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_no_container_outlives_a_killed_verification(
    engine: str, service: bytes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    part = request.getfixturevalue("daemon" if engine == "docker" else "podman_here")
    ask = part.docker if isinstance(part, DockerEngine) else part.podman
    name = f"killed-{secrets.token_hex(4)}"
    subject_of(Row(name=name), service, tmp_path / name, name)
    words = ("verify", "--engine", engine, "--settle", "60", f"oci:{tmp_path / name}")
    env = {**part.env, "FERRULE_CACHE_DIR": str(tmp_path / "cache")}
    before = set(ask("ps", "--all", "--quiet").split())
    with (tmp_path / "said").open("wb") as out:
        command = Command(argv=(sys.executable, "-m", "ferrule", *words), env=env)
        ours = SystemRunner().attached(command, stdout=out, stderr=out)
    deadline = time.monotonic() + 60
    while set(ask("ps", "--quiet").split()) <= before or not guards(name):
        assert not ours.ended(), (tmp_path / "said").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.5)  # until the guard has heard what it guards
    ours.signal(signal.SIGKILL)
    assert ours.wait() == -signal.SIGKILL
    while set(ask("ps", "--all", "--quiet").split()) - before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
