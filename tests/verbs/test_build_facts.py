"""What is found out of a project for its Dockerfile, without a build: link, base, packages, files."""

from pathlib import Path

import pytest

from ferrule.cargo.link import LinkChoice, LinkMemory
from ferrule.cargo.plan import output_folder
from ferrule.errors import ProjectError
from ferrule.generate.build_facts import Build, Program, Taken
from ferrule.verbs.build_facts import Wish, build_facts
from ferrule.verbs.prepare import prepare
from tests.cargo_projects import context_of, manifest, request_for, write_project
from tests.fakes.report import Notes

pytestmark = pytest.mark.real


def facts_of(place: Path, **wish: str) -> Build:
    return build_facts(context_of(place), request_for(place), Wish(**wish))  # type: ignore[arg-type]  # words


def depending_on(folder: Path, *crates: str, extra: str = "") -> Path:
    """A project with crates of these names, which are its own, and a lock file."""
    rows = "".join(f'{name} = {{ path = "crates/{name}" }}\n' for name in crates)
    files = {"Cargo.toml": manifest(extra=f"[dependencies]\n{rows}{extra}")}
    for name in crates:
        files |= {f"crates/{name}/Cargo.toml": manifest(name), f"crates/{name}/src/lib.rs": ""}
    packages = "".join(f'[[package]]\nname = "{name}"\nversion = "0.1.0"\n\n' for name in sorted(crates))
    listed = "".join(f' "{name}",\n' for name in sorted(crates))
    own = f'[[package]]\nname = "hello"\nversion = "0.1.0"\ndependencies = [\n{listed}]\n'
    return write_project(folder, {**files, "Cargo.lock": f"version = 3\n\n{own}\n{packages}"})


def test_a_program_of_rust_alone(tmp_path: Path) -> None:
    found = facts_of(write_project(tmp_path, {".sqlx/query-1.json": "{}"}))
    assert found.programs == (Program(package="hello", binary="hello"),)
    assert (found.link, found.base, found.cache) == ("static", "scratch", "mount")
    assert found.rust.count(".") == 2
    assert found.has_printed_host
    assert not found.has_toolchain_file
    assert not found.is_locked
    assert found.target_folder == "target"
    assert found.profile == (("codegen-units", "1"), ("strip", "symbols"))
    assert found.has_sqlx_data
    assert dict(found.labels)["org.opencontainers.image.title"] == "hello"


@pytest.mark.parametrize(
    ("crate", "base", "to_run", "to_build"),
    [
        ("openssl-sys", "distroless", ("libssl3",), ("libssl-dev", "pkg-config")),
        ("pq-sys", "debian", ("libpq5",), ("libpq-dev", "pkg-config")),
        ("libloading", "distroless", (), ()),
    ],
)
def test_a_program_that_links_the_system(
    tmp_path: Path, crate: str, base: str, to_run: tuple[str, ...], to_build: tuple[str, ...]
) -> None:
    found = facts_of(depending_on(tmp_path, crate))
    assert (found.link, found.base, found.libraries, found.tools) == ("dynamic", base, to_run, to_build)
    assert found.programs == (Program(package="hello", binary="hello", static=False),)
    assert found.is_locked
    assert "and no more" in found.base_reason


def test_build_scripts_find_their_tools(tmp_path: Path) -> None:
    found = facts_of(depending_on(tmp_path, "cmake", "prost-build", "tikv-jemalloc-sys"))
    assert found.tools == ("cmake", "g++", "make", "protobuf-compiler")
    assert found.has_jemalloc
    assert found.base == "scratch"


def test_what_the_project_says_is_obeyed(tmp_path: Path) -> None:
    keys = '[package.metadata.ferrule]\nlink = "musl"\nbase = "debian"\nplatforms = ["linux/s390x"]\n'
    pinned = '[toolchain]\nchannel = "stable"\n'
    files = {"Cargo.toml": manifest(extra=keys), "rust-toolchain.toml": pinned}
    found = facts_of(write_project(tmp_path, files))
    assert (found.link, found.base) == ("musl", "debian")
    assert not found.programs[0].static
    assert found.wants_mimalloc
    assert found.has_toolchain_file
    assert facts_of(tmp_path, base="distroless", cache="chef").base == "distroless"
    assert facts_of(tmp_path, base="ghcr.io/acme/base:1").base == "ghcr.io/acme/base:1"


def test_a_base_that_no_dockerfile_can_have_is_refused(tmp_path: Path) -> None:
    place = depending_on(tmp_path, "libloading")
    with pytest.raises(ProjectError, match=r"libloading loads shared libraries.*scratch has nothing"):
        facts_of(place, base="scratch")
    with pytest.raises(ProjectError, match="a layout on disk"):
        facts_of(place, base="oci:base")


def test_what_only_a_build_has_found_out_is_said(tmp_path: Path) -> None:
    place = write_project(tmp_path)
    context, request = context_of(place), request_for(place)
    prepared = prepare(context, request)
    choice = LinkChoice(mode="dynamic", reason="hello links the system's foo")
    LinkMemory(output_folder(prepared.project)).remember(prepared.plan, choice)
    assert build_facts(context, request, Wish()).link == "dynamic"
    assert isinstance(context.report, Notes)
    assert any('set link = "dynamic"' in note for note in context.report.warnings)


def test_a_member_of_a_workspace_brings_its_files_and_programs(tmp_path: Path) -> None:
    keys = (
        '[package.metadata.ferrule]\nfiles = [{ from = "static/**/*.css", to = "/app/css" }, '
        '{ from = "../shared.txt", to = "/etc/shared" }]\ninclude-bins = ["admin"]\nmigrations = "sql"\n'
    )
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["web", "admin"]\nresolver = "2"\n',
        "web/Cargo.toml": manifest("web", extra=keys),
        "web/src/main.rs": "fn main() {}\n",
        "admin/Cargo.toml": manifest("admin"),
        "admin/src/main.rs": "fn main() {}\n",
        "shared.txt": "x",
    }
    write_project(tmp_path, files)
    (tmp_path / "src/main.rs").unlink()
    found = facts_of(tmp_path / "web")
    assert [program.binary for program in found.programs] == ["web", "admin"]
    assert found.files == (
        Taken(source="web/static", pattern=("**", "*.css"), target="/app/css"),
        Taken(source="shared.txt", target="/etc/shared"),
        Taken(source="web/sql", target="/app/migrations"),
    )


def test_a_file_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    keys = '[package.metadata.ferrule]\nfiles = [{ from = "../x", to = "/x" }]\n'
    place = write_project(tmp_path / "p", {"Cargo.toml": manifest(extra=keys)})
    with pytest.raises(ProjectError, match="leaves the project"):
        facts_of(place)


def test_a_crate_outside_of_the_project_is_named(tmp_path: Path) -> None:
    write_project(tmp_path / "other", {"Cargo.toml": manifest("other"), "src/lib.rs": ""})
    extra = '[dependencies]\nother = { path = "../other" }\n'
    place = write_project(tmp_path / "p", {"Cargo.toml": manifest(extra=extra)})
    context = context_of(place)
    build_facts(context, request_for(place), Wish())
    assert isinstance(context.report, Notes)
    said = f"{tmp_path / 'other'} lies outside of the project: `docker build` does not see it"
    assert context.report.warnings == [said]


def test_a_linker_that_the_flags_name_is_installed(tmp_path: Path) -> None:
    flags = '[build]\nrustflags = ["-C", "link-arg=-fuse-ld=mold"]\n'
    assert facts_of(write_project(tmp_path, {".cargo/config.toml": flags})).tools == ("mold",)


def test_libraries_that_the_code_links_by_itself_are_installed(tmp_path: Path) -> None:
    script = 'fn main() { println!("cargo:rustc-link-arg=-lz"); }\n'
    keys = '[package.metadata.ferrule]\nlibraries = ["libfoo.so.1"]\n'
    files = {"Cargo.toml": manifest(extra=keys), "build.rs": script}
    found = facts_of(write_project(tmp_path, files))
    assert (found.link, found.base, found.libraries) == ("dynamic", "debian", ("zlib1g",))
    assert found.tools == ("pkg-config", "zlib1g-dev")
    assert found.unknown == ("libfoo.so.1",)
