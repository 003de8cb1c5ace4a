"""The probe and the init are made by rustc alone, the same everywhere, and only once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cargo.toolchain import Toolchain
from ferrule.elf.facts import read_binary
from ferrule.errors import BuildError, OutputError
from ferrule.probe.compile import SOURCE, compile_program, linkers, recall_program
from ferrule.process import Command, Finished, SystemRunner
from tests.probe.conftest import TRIPLES, Tool

pytestmark = pytest.mark.real
NATIVE = TRIPLES["amd64"]
MOST_BYTES = {"probe": 5000, "init": 2500}


class Counting(SystemRunner):
    def __init__(self) -> None:
        self.calls: list[Command] = []

    def run(self, command: Command) -> Finished:
        self.calls.append(command)
        return super().run(command)


@pytest.mark.parametrize("processor", list(TRIPLES))
@pytest.mark.parametrize("name", list(MOST_BYTES))
def test_it_is_small_and_static(compiled: Callable[[str, str], Tool], name: str, processor: str) -> None:
    made = compiled(name, processor).path
    binary = read_binary(made)
    assert binary.is_static
    assert binary.platform.architecture == processor
    assert made.stat().st_size <= MOST_BYTES[name]


def test_two_folders_and_either_libc_give_the_same_bytes(toolchain: Toolchain, tmp_path: Path) -> None:
    made = set()
    for folder, triple in (("a", NATIVE), ("longer", NATIVE), ("c", NATIVE.replace("gnu", "musl"))):
        source = tmp_path / folder / "source"
        shutil.copytree(SOURCE, source)
        made.add(compile_program(SystemRunner(), toolchain, triple, "probe", source.parent / "cache", source))
    assert len(made) == 1
    assert str(tmp_path).encode() not in made.pop()


def test_it_is_compiled_once_and_again_when_what_is_kept_is_damaged(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    runner = Counting()

    def made() -> bytes:
        return compile_program(runner, toolchain, NATIVE, "init", tmp_path)

    first = made()
    assert made() == first
    assert len(runner.calls) == 1
    (kept,) = (tmp_path / "probe").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])
    assert recall_program("init", "amd64", tmp_path) is None
    assert made() == first
    assert len(runner.calls) == 2
    assert recall_program("init", "amd64", tmp_path) == first
    assert recall_program("init", "arm64", tmp_path) is None
    assert recall_program("probe", "amd64", tmp_path) is None


def test_what_is_kept_is_the_user_s_alone(toolchain: Toolchain, tmp_path: Path) -> None:
    (tmp_path / "probe").mkdir(mode=0o777)
    compile_program(SystemRunner(), toolchain, NATIVE, "init", tmp_path)
    assert (tmp_path / "probe").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError) as caught:
        recall_program("init", "amd64", tmp_path / "file")
    assert caught.value.hint == "set FERRULE_CACHE_DIR"


def without_rust_lld(toolchain: Toolchain, folder: Path) -> Toolchain:
    """As distributions ship it: a sysroot with links to all but the linker."""
    libraries = folder / "lib" / "rustlib"
    (libraries / toolchain.host).mkdir(parents=True)
    (libraries / toolchain.host / "lib").symlink_to(toolchain.library_folder(toolchain.host))
    from msgspec.structs import replace

    return replace(toolchain, sysroot=folder)


def test_a_rust_without_its_own_linker_takes_the_c_compiler(toolchain: Toolchain, tmp_path: Path) -> None:
    distribution = without_rust_lld(toolchain, tmp_path / "usr")
    assert all("rust-lld" not in flag for linker in linkers(distribution, NATIVE) for flag in linker)
    tool = tmp_path / "probe"
    tool.write_bytes(compile_program(SystemRunner(), distribution, NATIVE, "probe", tmp_path / "cache"))
    tool.chmod(0o755)
    assert read_binary(tool).is_static
    assert Tool(path=tool)("http://localhost:0/")[0] == 1


def test_what_rustc_says_is_the_reason(toolchain: Toolchain, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "probe.rs").write_text("#![no_std]\nfn broken() -> u8 { }\n")
    with pytest.raises(BuildError) as caught:
        compile_program(SystemRunner(), toolchain, NATIVE, "probe", tmp_path / "cache", source)
    assert caught.value.message.startswith("probe.rs: ")
    assert caught.value.hint
    assert not list(tmp_path.glob("cache/probe/*"))
