"""mimalloc's way from a crate into the cache, with programs that only answer and with the real ones."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.cargo.c_compiler import CCompiler
from ferrule.cargo.mimalloc import (
    CHECKSUM,
    CRATE,
    CRATE_VERSION,
    MEMCPY,
    MIMALLOC_VERSION,
    SOURCE,
    mimalloc_folder,
)
from ferrule.cargo.plan import BuildPlan, CargoOptions
from ferrule.errors import BuildError, FerruleError, ProjectError
from ferrule.process import Command, Finished, Runner, SystemRunner
from tests.cargo_projects import prepared, write_project
from tests.fakes.answers import Answer, Answers, fails, says
from tests.fakes.report import Notes

CC = CCompiler(argv=("cc",))
VERSION = "cc (Debian 12.2.0) 12.2.0\n"


def cargo(checksum: str = CHECKSUM) -> Answer:
    """Writes the lock file beside the manifest and says where the crate lies, as `cargo metadata` does."""

    def answer(command: Command) -> Finished:
        place = Path(command.argv[command.argv.index("--manifest-path") + 1]).parent
        lock = f'[[package]]\nname = "{CRATE}"\nversion = "{CRATE_VERSION}"\nchecksum = "{checksum}"\n'
        (place / "Cargo.lock").write_text(lock)
        packages = [{"name": CRATE, "manifest_path": "/registry/crate/Cargo.toml", "more": 1}]
        return Finished(returncode=0, stdout=json.dumps({"packages": packages}).encode())

    return answer


def compiles(command: Command) -> Finished:
    Path(command.argv[-1]).write_bytes(b"code")
    return Finished(returncode=0)


def answers(**others: Answer) -> Answers:
    names = {"version": "cc --version", "cargo": "cargo metadata", "compile": "cc "}
    good: Mapping[str, Answer] = {"version": says(VERSION), "cargo": cargo(), "compile": compiles}
    return Answers(table={names[name]: answer for name, answer in {**good, **others}.items()})


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> BuildPlan:
    return prepared(write_project(tmp_path_factory.mktemp("project"))).plan


def folder(runner: Runner, plan: BuildPlan, cache: Path, compiler: CCompiler = CC) -> Path:
    return mimalloc_folder(runner, Notes(), plan, compiler, cache)


def test_it_is_compiled_once_and_found_again(plan: BuildPlan, tmp_path: Path) -> None:
    runner = answers()
    place = folder(runner, plan, tmp_path)
    assert (place / "libmimalloc.a").read_bytes().startswith(b"!<arch>\nmimalloc.o/")
    assert [asked.split()[0] for asked in runner.asked] == ["cc", "cargo", "cc"]
    (compile_,) = (asked for asked in runner.asked if " -c " in asked)
    assert f"-c /registry/crate/{SOURCE}/src/static.c" in compile_
    again = answers()
    assert folder(again, plan, tmp_path) == place
    assert again.asked == ["cc --version"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mimalloc", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_for_musl_the_library_holds_memory_functions_too(plan: BuildPlan, tmp_path: Path) -> None:
    musl = replace(plan, target=replace(plan.target, triple="x86_64-unknown-linux-musl"))
    runner = answers()
    library = (folder(runner, musl, tmp_path) / "libmimalloc.a").read_bytes()
    assert library.count(b"`\ncode") == 2
    assert library.index(b"\nmimalloc.o/ ") < library.index(b"codememcpy.o/ ")
    assert f"-c {MEMCPY} -o " in runner.asked[-1]
    assert "-ffreestanding" in runner.asked[-1]
    assert "-ffreestanding" not in runner.asked[-2]


@pytest.mark.parametrize("name", ["libmimalloc.a", "sha256"])
@pytest.mark.parametrize("damage", [b"", b"\xff", None])
def test_a_damaged_one_is_compiled_anew(
    plan: BuildPlan, tmp_path: Path, name: str, damage: bytes | None
) -> None:
    place = folder(answers(), plan, tmp_path)
    whole = (place / name).read_bytes()
    (place / name).unlink()
    if damage is not None:
        (place / name).write_bytes(damage)
    assert folder(answers(), plan, tmp_path) == place
    assert (place / name).read_bytes() == whole


def test_it_depends_on_the_compiler_its_version_the_target_and_cflags(
    plan: BuildPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(plan, target=replace(plan.target, triple="aarch64-unknown-linux-gnu"))
    newer = answers(version=says("cc 13"))
    named = CCompiler(argv=("cc", "-m64"))
    places = [folder(answers(), plan, tmp_path), folder(newer, plan, tmp_path)]
    places += [folder(answers(), other, tmp_path)]
    table = {"cc -m64 --version": says(VERSION), "cargo": cargo(), "cc -m64": compiles}
    places += [folder(Answers(table=table), plan, tmp_path, named)]
    monkeypatch.setenv("CFLAGS", "--sysroot=/opt/root")
    runner = answers()
    places += [folder(runner, plan, tmp_path)]
    assert len(set(places)) == 5
    assert "cc --sysroot=/opt/root -O3" in runner.asked[-1]


@pytest.mark.parametrize("options", [CargoOptions(offline=True), CargoOptions(frozen=True)])
def test_the_network_is_asked_only_where_it_may_be(
    plan: BuildPlan, tmp_path: Path, options: CargoOptions
) -> None:
    away = answers(cargo=fails("    Updating index\nerror: failed to get `libmimalloc-sys`\n\nCaused by:\n"))
    cause = f"mimalloc's source, {CRATE} {CRATE_VERSION}, cannot be had: failed to get `libmimalloc-sys`"
    with pytest.raises(ProjectError) as refused:
        folder(away, plan, tmp_path)
    assert (refused.value.message, refused.value.exit_code) == (cause, 3)
    assert refused.value.hint.endswith("choose --allocator system")
    assert ["--offline" in asked for asked in away.asked[1:]] == [True, False]
    away.asked.clear()
    with pytest.raises(ProjectError):
        folder(away, replace(plan, options=options), tmp_path)
    assert ["--offline" in asked for asked in away.asked[1:]] == [True]


@pytest.mark.parametrize(
    ("broken", "error", "cause"),
    [
        ({"cargo": cargo("0" * 64)}, ProjectError, "has another checksum here: 0000"),
        ({"version": fails("no license")}, ProjectError, "cc does not say its version: no license"),
        (
            {"compile": fails("In file\nx.h:1:2: fatal error: stdio.h: No such file or directory\n")},
            BuildError,
            "cc cannot compile mimalloc: stdio.h: No such file or directory",
        ),
    ],
)
def test_what_goes_wrong_is_one_line_and_leaves_nothing(
    plan: BuildPlan, tmp_path: Path, broken: dict[str, Answer], error: type[FerruleError], cause: str
) -> None:
    with pytest.raises(error, match=cause) as refused:
        folder(answers(**broken), plan, tmp_path)
    assert refused.value.hint.endswith("choose --allocator system")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_compiler_that_is_not_there_is_named(plan: BuildPlan, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="mimalloc cannot be compiled: `icc` is not installed"):
        folder(answers(), plan, tmp_path, CCompiler(argv=("icc",)))


class Recorder:
    """Runs programs, and keeps their words."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def run(self, command: Command) -> Finished:
        self.words += command.argv
        return SystemRunner().run(command)

    stream = SystemRunner.stream


@pytest.mark.real
def test_two_folders_and_two_caches_give_the_same_bytes(plan: BuildPlan, tmp_path: Path) -> None:
    libraries = []
    runner = Recorder()
    for name in ("one", "another/and longer"):
        place = folder(runner, plan, tmp_path / name)
        libraries.append((place / "libmimalloc.a").read_bytes())
    assert libraries[0] == libraries[1]
    assert str(Path.home()).encode() not in libraries[0]
    listed = SystemRunner().run(Command(argv=("ar", "t", str(place / "libmimalloc.a"))))
    assert listed.stdout == b"mimalloc.o\n"
    source = next(Path(word) for word in runner.words if word.endswith("/static.c"))
    header = (source.parents[1] / "include" / "mimalloc.h").read_text()
    major, minor, patch = MIMALLOC_VERSION.split(".")
    assert f"#define MI_MALLOC_VERSION {major}{int(minor):02}{int(patch):02} " in header


NAMES = f"""[package]
name = "names"
version = "0.1.0"
edition = "2021"
[dependencies]
{CRATE} = "={CRATE_VERSION}"
"""
VENDORED = """[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "vendor"
"""


@pytest.fixture
def vendored(tmp_path: Path) -> Path:
    """A project whose crates come from a folder in it: mimalloc's, and what that one needs to build."""
    place = write_project(tmp_path / "project", {".cargo/config.toml": VENDORED})
    names = write_project(tmp_path / "names", {"Cargo.toml": NAMES, "src/main.rs": "fn main() {}\n"})
    made = SystemRunner().run(Command(argv=("cargo", "vendor", str(place / "vendor")), cwd=names))
    assert made.ok, made.stderr
    return place


@pytest.mark.real
def test_vendored_sources_are_used_and_their_checksum_counts(vendored: Path, tmp_path: Path) -> None:
    plan = prepared(vendored).plan
    crate = vendored / "vendor" / CRATE
    runner = answers(cargo=SystemRunner().run)
    folder(runner, plan, tmp_path / "cache")
    assert f"-c {crate}/{SOURCE}/src/static.c" in runner.asked[-1]
    note = crate / ".cargo-checksum.json"
    note.write_text(note.read_text().replace(CHECKSUM, "0" * 64))
    with pytest.raises(ProjectError, match="has another checksum here: 0000"):
        folder(runner, plan, tmp_path / "empty")
    shutil.rmtree(crate)
    with pytest.raises(ProjectError, match=f"mimalloc's source, {CRATE} {CRATE_VERSION}, cannot be had"):
        folder(runner, plan, tmp_path / "empty")
