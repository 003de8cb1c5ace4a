"""The probe and the init, compiled once for both processors."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ferrule.cargo.toolchain import Toolchain, read_toolchain
from ferrule.memory import Memory
from ferrule.probe.compile import compile_program
from ferrule.process import Command, Finished, SystemRunner
from tests.parts.need import need
from tests.parts.targets import need_targets

TRIPLES = {"amd64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
EMULATORS = {"amd64": (), "arm64": ("qemu-aarch64-static",)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A compiled program; for another processor with the emulator in front."""

    path: Path
    emulator: tuple[str, ...] = ()

    def argv(self, *words: str) -> tuple[str, ...]:
        return (*self.emulator, str(self.path), *words)

    def __call__(self, *words: str) -> tuple[int, str]:
        """Exit code, and what it says."""
        finished: Finished = SystemRunner().run(Command(argv=self.argv(*words)))
        return finished.returncode, (finished.stdout + finished.stderr).decode()


@pytest.fixture(scope="session")
def toolchain(tmp_path_factory: pytest.TempPathFactory) -> Toolchain:
    folder = tmp_path_factory.mktemp("toolchain")
    return read_toolchain(SystemRunner(), folder, Memory(folder / "memory"))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain) -> Callable[[str, str], Tool]:
    folder = tmp_path_factory.mktemp("probe")

    def compiled(name: str, processor: str) -> Tool:
        if processor == "arm64":
            need_targets()
            need(shutil.which("qemu-aarch64-static"), "qemu-aarch64-static (Debian's qemu-user-static)")
        program = compile_program(SystemRunner(), toolchain, TRIPLES[processor], name, folder / "cache")
        path = folder / f"{name}-{processor}"
        path.write_bytes(program)
        path.chmod(0o755)
        return Tool(path=path, emulator=EMULATORS[processor])

    return compiled


@pytest.fixture(params=list(TRIPLES))
def probe(request: pytest.FixtureRequest, compiled: Callable[[str, str], Tool]) -> Tool:
    """For this processor, and for another under an emulator."""
    return compiled("probe", request.param)


@pytest.fixture(params=list(TRIPLES))
def init(request: pytest.FixtureRequest, compiled: Callable[[str, str], Tool]) -> Tool:
    return compiled("init", request.param)
