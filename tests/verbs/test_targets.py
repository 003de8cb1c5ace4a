"""Which targets a project is built for, and what would run on another host."""

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from ferrule.errors import FerruleError, ProjectError
from ferrule.oci.platform import parse_platform
from ferrule.tables import Table
from ferrule.verbs.deliver import Destinations
from ferrule.verbs.plan import make_plan
from ferrule.verbs.prepare import prepare
from ferrule.verbs.targets import parse_platforms
from tests.cargo_projects import context_of, manifest, prepared, request_for, write_project
from tests.fakes.mac import MacRunner

TABLE = '[package.metadata.ferrule]\nplatforms = ["linux/amd64", "linux/arm64"]\nlink = "musl"\n'


def triples(place: Path, **flags: object) -> list[str]:
    return [plan.triple for plan in prepared(place, flags=Table(**flags)).plans]  # type: ignore[arg-type]


def test_several_platforms_in_one_text_are_named_once_each() -> None:
    amd64, arm64 = parse_platform("linux/amd64"), parse_platform("linux/arm64")
    assert parse_platforms(("linux/amd64, linux/arm64", "linux/amd64")) == (amd64, arm64)


def test_the_table_s_platforms_are_built_and_flags_beat_them(tmp_path: Path) -> None:
    place = write_project(tmp_path, {"Cargo.toml": manifest(extra=TABLE)})
    assert triples(place) == ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"]
    assert triples(place, platforms=("linux/amd64",)) == ["x86_64-unknown-linux-musl"]


def test_what_runs_here_is_built_for_here_alone(tmp_path: Path) -> None:
    place = write_project(tmp_path, {"Cargo.toml": manifest(extra=TABLE)})
    request = replace(request_for(place), only_here=True)
    (plan,) = prepare(context_of(place), request).plans
    assert plan.triple == "x86_64-unknown-linux-musl"


def test_cargo_s_own_build_target_keeps_its_meaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = '[build]\ntarget = "x86_64-unknown-linux-musl"\n'
    place = write_project(tmp_path / "project", {".cargo/config.toml": config})
    assert triples(place) == ["x86_64-unknown-linux-musl"]
    assert triples(place, platforms=("linux/amd64",)) == ["x86_64-unknown-linux-gnu"]
    monkeypatch.setenv("CARGO_BUILD_TARGET", "x86_64-unknown-linux-gnu")
    assert triples(place) == ["x86_64-unknown-linux-gnu"]


@pytest.mark.parametrize(
    ("targets", "built"),
    [
        (["x86_64-unknown-linux-gnu"], ["x86_64-unknown-linux-gnu"]),
        (["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"], ["x86_64-unknown-linux-gnu"]),
        (
            ["aarch64-unknown-linux-musl", "x86_64-unknown-linux-musl"],
            ["aarch64-unknown-linux-musl", "x86_64-unknown-linux-musl"],
        ),
        (["aarch64-apple-darwin", "x86_64-unknown-linux-musl"], ["x86_64-unknown-linux-musl"]),
        (
            ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-musl"],
            ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-musl"],
        ),
    ],
)
def test_several_targets_of_cargo_make_an_image_for_each_platform(
    tmp_path: Path, targets: list[str], built: list[str]
) -> None:
    config = f"[build]\ntarget = {targets}\n"
    assert triples(write_project(tmp_path / "project", {".cargo/config.toml": config})) == built


def test_what_ferrule_is_asked_for_beats_a_target_with_musl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = '[build]\ntarget = "x86_64-unknown-linux-musl"\n'
    place = write_project(tmp_path / "project", {".cargo/config.toml": config})
    assert triples(place, link="dynamic") == ["x86_64-unknown-linux-gnu"]
    zig = tmp_path / "cargo-zigbuild"
    zig.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert triples(place, glibc="2.28") == ["x86_64-unknown-linux-gnu"]


def test_a_platform_without_its_form_names_the_key(tmp_path: Path) -> None:
    table = '[package.metadata.ferrule]\nplatforms = ["arm"]\n'
    place = write_project(tmp_path, {"Cargo.toml": manifest(extra=table)})
    with pytest.raises(ProjectError, match=r"package\.metadata\.ferrule\.platforms: 'arm' is not a platform"):
        prepared(place)


@pytest.mark.parametrize(
    ("platform", "crate", "page"),
    [
        ("linux/arm64", "tikv-jemalloc-sys", "16"),
        ("linux/arm64", "jemalloc-sys", "16"),
        ("linux/arm64", None, "16"),
        ("linux/arm64", "ring", None),
        ("linux/amd64", "tikv-jemalloc-sys", None),
    ],
)
def test_jemalloc_for_arm64_is_built_for_pages_of_64_kib(
    tmp_path: Path, platform: str, crate: str | None, page: str | None
) -> None:
    lock = (
        {"Cargo.lock": f'version = 4\n\n[[package]]\nname = "{crate}"\nversion = "0.1.0"\n'} if crate else {}
    )
    place = write_project(tmp_path, lock)
    (plan,) = prepared(place, flags=Table(link="musl", platforms=(platform,))).plans
    command = plan.command(static=True, colour=False)
    assert command.env.get("JEMALLOC_SYS_WITH_LG_PAGE") == page


def test_what_the_user_says_of_jemalloc_s_pages_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JEMALLOC_SYS_WITH_LG_PAGE", "12")
    flags = Table(link="musl", platforms=("linux/arm64",))
    (plan,) = prepared(write_project(tmp_path), flags=flags).plans
    assert "JEMALLOC_SYS_WITH_LG_PAGE" not in plan.command(static=True, colour=False).env


@pytest.fixture
def mac(tmp_path: Path) -> MacRunner:
    """A Mac whose toolchain has rust-lld, and arm64 musl as its only other target."""
    library = tmp_path / "rust" / "lib" / "rustlib"
    for name in ("aarch64-apple-darwin/bin/rust-lld", "aarch64-unknown-linux-musl/lib/libstd-1.rlib"):
        (library / name).parent.mkdir(parents=True)
        (library / name).touch()
    return MacRunner(sysroot=tmp_path / "rust")


def test_the_whole_plan_is_made_on_a_mac(
    tmp_path: Path, mac: MacRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it asks for Linux; the platform is this machine's processor with Linux on it."""
    monkeypatch.setenv("PATH", f"{Path(str(shutil.which('cargo'))).parent}:/usr/bin:/bin")
    place = write_project(tmp_path / "project")
    flags = Table(link="musl", platforms=("linux/amd64", "linux/arm64"))
    context = context_of(place, mac)

    plan = make_plan(context, request_for(place, flags=flags), (), Destinations())
    rows = {row.name: (row.text, row.reason) for row in plan.rows}

    assert rows["platform linux/arm64"][0] == "aarch64-unknown-linux-musl"
    assert "rustup is to add" not in rows["platform linux/arm64"][1]
    assert rows["platform linux/amd64"][0] == "x86_64-unknown-linux-musl"
    assert rows["platform linux/amd64"][1].endswith("; rustup is to add the target")
    assert rows["base linux/amd64"][0] == "scratch"


def test_what_a_mac_would_run_is_cargo_with_rust_s_own_linker(
    tmp_path: Path, mac: MacRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ferrule.verbs.build import build_image

    monkeypatch.setenv("PATH", f"{Path(str(shutil.which('cargo'))).parent}:/usr/bin:/bin")
    place = write_project(tmp_path / "project")
    flags = Table(link="musl", allocator="system", platforms=("linux/arm64",))
    with pytest.raises(FerruleError, match="cargo could not build hello"):
        build_image(context_of(place, mac), request_for(place, flags=flags), (), Destinations())
    (command,) = mac.would_run
    assert command.argv[:2] == ("cargo", "rustc")
    assert command.argv[-4:] == ("-C", "target-feature=+crt-static", "-C", "linker=rust-lld")
    assert "aarch64-unknown-linux-musl" in command.argv
