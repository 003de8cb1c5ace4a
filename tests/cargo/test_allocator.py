"""Which allocator a program gets, and why."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.cargo.allocator import GLIBC_STAYS, MUSL_IS_SLOW, OWN_ALLOCATORS, choose_allocator
from ferrule.cargo.graph import Graph
from ferrule.cargo.messages import PackageId
from ferrule.cargo.mimalloc import MIMALLOC_VERSION, with_mimalloc
from ferrule.cargo.plan import BuildPlan
from ferrule.errors import ProjectError
from ferrule.tables import Table
from ferrule.verbs.allocator import allocator_labels
from tests.cargo_projects import prepared, write_project

ASKED = "asked for by --allocator"


def graph_of(*crates: str) -> Graph:
    packages = tuple(PackageId(name=name, version="0.6.1") for name in crates)
    return Graph(packages=packages, source="cargo tree", features={})


@pytest.fixture(scope="module")
def glibc(tmp_path_factory: pytest.TempPathFactory) -> BuildPlan:
    return prepared(write_project(tmp_path_factory.mktemp("glibc"))).plan


@pytest.fixture(scope="module")
def musl(glibc: BuildPlan) -> BuildPlan:
    triple = "x86_64-unknown-linux-musl"
    return replace(glibc, target=replace(glibc.target, triple=triple, link="static", is_native=False))


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH has a C compiler and nothing else."""
    (tmp_path / "cc").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CC", "TARGET_CC"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "is_musl", "name", "reason"),
    [
        ("auto", False, "system", GLIBC_STAYS),
        ("auto", True, "mimalloc", f"{MUSL_IS_SLOW}; compiled by cc"),
        ("system", False, "system", ASKED),
        ("system", True, "system", ASKED),
        ("mimalloc", False, "mimalloc", f"{ASKED}; compiled by cc"),
        ("mimalloc", True, "mimalloc", f"{ASKED}; compiled by cc"),
    ],
)
def test_musl_alone_gets_mimalloc_unasked(
    glibc: BuildPlan, musl: BuildPlan, asked: str, name: str, reason: str, *, is_musl: bool
) -> None:
    choice = choose_allocator(asked, ASKED, musl if is_musl else glibc, graph_of("serde", "hello"))
    assert (choice.name, choice.reason) == (name, reason)


@pytest.mark.parametrize(
    ("triple", "text"),
    [
        ("x86_64-unknown-linux-musl", f"mimalloc {MIMALLOC_VERSION} and memcpy"),
        ("aarch64-unknown-linux-musl", f"mimalloc {MIMALLOC_VERSION} and memcpy"),
        ("riscv64gc-unknown-linux-musl", f"mimalloc {MIMALLOC_VERSION}"),
        ("x86_64-unknown-linux-gnu", f"mimalloc {MIMALLOC_VERSION}"),
    ],
)
def test_memcpy_comes_with_it_where_musl_s_is_slow(
    glibc: BuildPlan, monkeypatch: pytest.MonkeyPatch, triple: str, text: str
) -> None:
    monkeypatch.setenv("TARGET_CC", "cc")
    plan = replace(glibc, target=replace(glibc.target, triple=triple))
    choice = choose_allocator("mimalloc", ASKED, plan, graph_of("hello"))
    assert choice.text == text
    assert allocator_labels(choice) == {"ferrule.allocator": text}


@pytest.mark.parametrize("crate", OWN_ALLOCATORS)
def test_a_project_keeps_the_allocator_that_it_brings(musl: BuildPlan, crate: str) -> None:
    choice = choose_allocator("auto", "", musl, graph_of("serde", crate))
    assert (choice.name, choice.reason) == ("project", f"{crate} 0.6.1 is in the graph")
    with pytest.raises(ProjectError, match=f"has an allocator already: {crate} 0.6.1") as refused:
        choose_allocator("mimalloc", ASKED, musl, graph_of("serde", crate))
    assert refused.value.exit_code == 3
    assert refused.value.hint == "leave that out, or remove the crate"


def test_the_crate_that_people_know_is_named_before_the_one_below_it(glibc: BuildPlan) -> None:
    graph = graph_of("tikv-jemalloc-sys", "tikv-jemallocator")
    assert choose_allocator("auto", "", glibc, graph).reason == "tikv-jemallocator 0.6.1 is in the graph"


def test_without_a_c_compiler_musl_s_own_stays_and_the_reason_says_what_to_install(
    musl: BuildPlan, path: Path
) -> None:
    (path / "cc").unlink()
    choice = choose_allocator("auto", "", musl, graph_of("hello"))
    said = "musl's own, which is slow: nothing here compiles C for x86_64-unknown-linux-musl"
    assert (choice.name, choice.reason) == ("system", said)
    assert choice.lacks.startswith("install gcc and libc6-dev (Debian)")
    with pytest.raises(ProjectError, match="mimalloc is asked for by --allocator, and nothing here compiles"):
        choose_allocator("mimalloc", ASKED, musl, graph_of("hello"))


def test_the_library_goes_into_the_final_link_alone(glibc: BuildPlan) -> None:
    argv = with_mimalloc(glibc, Path("/cache/x")).command(static=True, colour=False).argv
    own = argv[argv.index("--") + 1 :]
    assert own[-4:] == ("-L", "native=/cache/x", "-l", "static:+whole-archive=mimalloc")
    assert not any("mimalloc" in word for word in argv[: argv.index("--")])


@pytest.mark.parametrize(("flag", "expected"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_flags_beat_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str | None, expected: str
) -> None:
    monkeypatch.undo()
    table = '[package]\nname = "hello"\nversion = "0.1.0"\n[package.metadata.ferrule]\nallocator = "system"\n'
    place = write_project(tmp_path / "project", {"Cargo.toml": table})
    assert prepared(place, flags=Table(allocator=flag)).settings.allocator == expected
