"""cargo's configuration keeps its meaning in real builds, and `plan -v` finds it wherever it stands."""

import json
import os
import subprocess  # noqa: TID251 - programs that were built are run as a user would
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ferrule.cargo.build import build
from ferrule.cargo.found import found_configuration
from ferrule.cargo.metadata import read_project
from ferrule.errors import BuildError
from ferrule.process import Command, SystemRunner
from tests.cargo_projects import manifest, prepared, write_files
from tests.fakes.report import Notes
from tests.parts.targets import need_targets

TRIPLE = f"{os.uname().machine}-unknown-linux-gnu"
MUSL = "x86_64-unknown-linux-musl"
SCREAMED = TRIPLE.upper().replace("-", "_")
SAYS = """fn main() {
    let marks = (cfg!(mark), cfg!(debug_assertions), option_env!("MARK"));
    println!("{} {} {}", marks.0, marks.1, marks.2.unwrap_or("none"));
}
"""
FLAG = 'rustflags = ["--cfg", "mark"]\n'
ENVIRONMENT = "the environment"
Configured = Callable[[Mapping[str, str], Mapping[str, str]], Path]

pytestmark = pytest.mark.real


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project two folders below the test's own, where a parent's and a home's configuration may lie."""
    # Downloads of others are not wanted, their configuration neither: the program has no dependencies.
    monkeypatch.setenv("RUSTUP_HOME", os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    files = {"Cargo.toml": manifest(), "src/main.rs": SAYS}
    return write_files(tmp_path / "parent" / "project", files)


@pytest.fixture
def configured(place: Path, monkeypatch: pytest.MonkeyPatch) -> Configured:
    """The project with these files around it, and these variables."""

    def call(files: Mapping[str, str], environment: Mapping[str, str]) -> Path:
        write_files(place.parent.parent, files)
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        return place

    return call


def said_by(place: Path) -> str:
    artifact = build(SystemRunner(), Notes(), prepared(place).plan, link="auto", colour=False)
    return subprocess.run([artifact.path], capture_output=True, check=True, text=True).stdout.strip()


def sources(place: Path, name: str) -> list[str]:
    """Where a setting was found, files from the test's folder on."""
    top = place.parent.parent
    found = found_configuration(read_project(SystemRunner(), place))
    return [each.source.removeprefix(f"{top}/") for each in found if each.name == name]


OWN, PARENT = "parent/project/.cargo/config.toml", "parent/.cargo/config.toml"


@pytest.mark.parametrize(
    ("files", "environment", "name", "source"),
    [
        ({OWN: f"[build]\n{FLAG}"}, {}, "build.rustflags", OWN),
        ({OWN: f"[target.{TRIPLE}]\n{FLAG}"}, {}, f"target.{TRIPLE}.rustflags", OWN),
        ({OWN: f"[target.'cfg(unix)']\n{FLAG}"}, {}, "target.'cfg(unix)'.rustflags", OWN),
        (
            {"parent/project/.cargo/config": f"[build]\n{FLAG}"},
            {},
            "build.rustflags",
            OWN.removesuffix(".toml"),
        ),
        ({PARENT: f"[build]\n{FLAG}"}, {}, "build.rustflags", PARENT),
        ({"home/config.toml": f"[build]\n{FLAG}"}, {}, "build.rustflags", "home/config.toml"),
        (
            {OWN: 'include = ["more.toml"]\n', OWN.replace("config", "more"): f"[build]\n{FLAG}"},
            {},
            "build.rustflags",
            OWN.replace("config", "more"),
        ),
        ({}, {"RUSTFLAGS": "--cfg mark"}, "RUSTFLAGS", ENVIRONMENT),
        ({}, {"CARGO_ENCODED_RUSTFLAGS": "--cfg\x1fmark"}, "CARGO_ENCODED_RUSTFLAGS", ENVIRONMENT),
        ({}, {"CARGO_BUILD_RUSTFLAGS": "--cfg mark"}, "CARGO_BUILD_RUSTFLAGS", ENVIRONMENT),
        (
            {},
            {f"CARGO_TARGET_{SCREAMED}_RUSTFLAGS": "--cfg mark"},
            f"CARGO_TARGET_{SCREAMED}_RUSTFLAGS",
            ENVIRONMENT,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_flags_reach_the_program_from_every_place(
    configured: Configured,
    files: Mapping[str, str],
    environment: Mapping[str, str],
    name: str,
    source: str,
) -> None:
    place = configured(files, environment)
    assert said_by(place) == "true false none"
    assert sources(place, name) == [source]


@pytest.mark.parametrize(
    ("files", "environment", "name", "source"),
    [
        (
            {"parent/project/Cargo.toml": manifest(extra="[profile.release]\ndebug-assertions = true\n")},
            {},
            "profile.release.debug-assertions",
            "parent/project/Cargo.toml",
        ),
        (
            {PARENT: "[profile.release]\ndebug-assertions = true\n"},
            {},
            "profile.release.debug-assertions",
            PARENT,
        ),
        (
            {},
            {"CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS": "true"},
            "CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS",
            ENVIRONMENT,
        ),
    ],
    ids=["manifest", "configuration", "environment"],
)
def test_settings_of_the_profile_reach_the_program(
    configured: Configured,
    files: Mapping[str, str],
    environment: Mapping[str, str],
    name: str,
    source: str,
) -> None:
    place = configured(files, environment)
    assert said_by(place) == "false true none"
    assert sources(place, name) == [source]


def script(folder: Path, name: str, last: str) -> Path:
    """A program that notes each call of it, and then does what the `last` line says."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho called >> "{folder}/{name}.log"\n{last}\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("where", ["configuration", "environment"])
@pytest.mark.parametrize(
    ("key", "variable", "last"),
    [
        (f"target.{TRIPLE}.linker", f"CARGO_TARGET_{SCREAMED}_LINKER", 'exec cc "$@"'),
        ("build.rustc-wrapper", "RUSTC_WRAPPER", 'exec "$@"'),
        ("build.rustc-workspace-wrapper", "RUSTC_WORKSPACE_WRAPPER", 'exec "$@"'),
    ],
    ids=["linker", "wrapper", "workspace-wrapper"],
)
def test_linkers_and_wrappers_are_called(
    place: Path, monkeypatch: pytest.MonkeyPatch, where: str, key: str, variable: str, last: str
) -> None:
    own = script(place.parent.parent, "own", last)
    if where == "configuration":
        write_files(place.parent.parent, {OWN: f'{key} = "{own}"\n'})
    else:
        monkeypatch.setenv(variable, str(own))
    assert said_by(place) == "false false none"
    assert "called" in Path(f"{own}.log").read_text()
    assert sources(place, key if where == "configuration" else variable)


@pytest.mark.parametrize("where", ["configuration", "environment"])
def test_what_is_ferrule_s_own_lies_below_the_target_folder_of_the_project(
    place: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    elsewhere = place.parent / "elsewhere"
    if where == "configuration":
        write_files(
            place.parent.parent,
            {OWN: f'[build]\ntarget-dir = "{elsewhere}"\nbuild-dir = "{place.parent}/work"\n'},
        )
    else:
        monkeypatch.setenv("CARGO_TARGET_DIR", str(elsewhere))
        monkeypatch.setenv("CARGO_BUILD_BUILD_DIR", str(place.parent / "work"))
    plan = prepared(place).plan
    artifact = build(SystemRunner(), Notes(), plan, link="auto", colour=False)
    assert artifact.path.is_relative_to(elsewhere / "ferrule" / "cargo")
    assert [each.name for each in elsewhere.iterdir()] == ["ferrule"]
    assert not (place / "target").exists()
    assert not (place.parent / "work").exists()


@pytest.mark.parametrize("target", [f'"{MUSL}"', f'["{MUSL}"]'], ids=["text", "list"])
def test_the_target_of_the_configuration_is_what_is_built(place: Path, target: str) -> None:
    need_targets()
    write_files(place.parent.parent, {OWN: f"[build]\ntarget = {target}\n"})
    assert prepared(place).plan.triple == MUSL
    assert said_by(place) == "false false none"
    assert sources(place, "build.target") == [OWN]


def test_variables_of_the_configuration_reach_compilers_and_are_named_without_their_values(
    place: Path,
) -> None:
    reads = 'fn main() { let flags = std::env::var("CFLAGS_x86_64_unknown_linux_gnu").unwrap();\n'
    reads += 'println!("cargo:rustc-env=MARK={}", flags.replace(" ", "_")); }\n'
    files = {OWN: '[env]\nCFLAGS = "-O3"\n', "parent/project/build.rs": reads}
    write_files(place.parent.parent, files)
    said = said_by(place).split()[-1]
    assert said.startswith("-O3_-ffile-prefix-map=")
    found = found_configuration(read_project(SystemRunner(), place))
    assert [(each.name, each.value) for each in found if each.name.startswith("env.")] == [
        ("env.CFLAGS", None)
    ]


def test_a_variable_of_a_type_that_cargo_refuses_is_cargo_s_to_refuse(place: Path) -> None:
    write_files(place.parent.parent, {OWN: "[env]\nCFLAGS = 3\n"})
    with pytest.raises(BuildError, match="cargo could not build"):
        said_by(place)


@pytest.mark.parametrize("file", ["rust-toolchain.toml", "rust-toolchain"])
def test_a_pinned_toolchain_is_the_one_that_compiles(place: Path, file: str) -> None:
    sysroot = Path(
        os.fsdecode(SystemRunner().run(Command(argv=("rustc", "--print", "sysroot"))).stdout).strip()
    )
    own = place.parent.parent / "toolchain"
    (own / "bin").mkdir(parents=True)
    (own / "lib").symlink_to(sysroot / "lib")
    (own / "bin" / "cargo").symlink_to(sysroot / "bin" / "cargo")
    script(own / "bin", "rustc", f'exec "{sysroot}/bin/rustc" "$@"')
    (place / file).write_text(f'[toolchain]\npath = "{own}"\n')
    assert said_by(place) == "false false none"
    assert "called" in (own / "bin" / "rustc.log").read_text()
    assert sources(place, "toolchain.path") == [f"parent/project/{file}"]


def test_secrets_are_named_and_never_shown(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "do-not-print-this"
    config = (
        f'[registries.acme]\nindex = "sparse+https://{secret}@example.com/"\ntoken = "{secret}"\n'
        f'[registry]\ntoken = "{secret}"\n[http]\nproxy = "http://u:{secret}@127.0.0.1:1"\n'
        f'[env]\nAPI_KEY = "{secret}"\n[build]\nrustflags = ["--cfg", "mark"]\n'
        f'[source.crates]\nregistry = "https://{secret}@example.com/"\n'
    )
    write_files(place.parent.parent, {OWN: config})
    for name in ("CARGO_REGISTRY_TOKEN", "CARGO_REGISTRIES_ACME_TOKEN", "CARGO_HTTP_PROXY", "CARGO_X"):
        monkeypatch.setenv(name, secret)
    monkeypatch.delenv("CARGO_HTTP_PROXY")
    argv = (sys.executable, "-m", "ferrule", "plan", str(place), "-v")
    finished = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert secret not in finished.stdout + finished.stderr
    lines = finished.stdout.splitlines()
    assert '  build.rustflags = ["--cfg", "mark"]' in lines
    for name in ("CARGO_REGISTRY_TOKEN", "registries.acme.token", "http.proxy", "env.API_KEY"):
        assert f"  {name}" in lines
    answer = subprocess.run((*argv, "--json"), capture_output=True, text=True, check=True).stdout
    assert secret not in answer
    found = json.loads(answer)["configuration"]["value"]
    assert {"name": "registry.token", "value": None, "source": f"{place}/.cargo/config.toml"} in found
