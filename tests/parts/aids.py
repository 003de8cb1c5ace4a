"""ferrule's probe and init for this machine's processor, as tests put them into images of their own."""

from pathlib import Path

from ferrule.cargo.toolchain import read_toolchain
from ferrule.memory import Memory
from ferrule.probe.compile import compile_program
from ferrule.process import SystemRunner


def compiled_aids(folder: Path) -> dict[str, bytes]:
    """`probe` and `init`, compiled by the rustc of this machine; `folder` is for work."""
    runner = SystemRunner()
    toolchain = read_toolchain(runner, folder, Memory(folder / "memory"))
    return {
        name: compile_program(runner, toolchain, toolchain.host, name, folder / "cache")
        for name in ("probe", "init")
    }
