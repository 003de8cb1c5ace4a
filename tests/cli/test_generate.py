"""`ferrule generate`: what it writes, that edits outside the marks stay, and how CI learns of drift."""

import json
import re
from pathlib import Path

import pytest

from ferrule.cli.generate import KINDS
from ferrule.process import Command, SystemRunner
from tests.cli.conftest import InProject


@pytest.fixture
def ferrule(in_project: InProject) -> InProject:
    return in_project


def test_without_a_kind_it_says_what_it_would_write(ferrule: InProject, example: Path) -> None:
    project = example.parent
    unit = project / "deploy" / "systemd" / "hello.service"
    code, out, err = ferrule("generate")
    assert (code, err) == (0, "nothing is written without a KIND, such as `ferrule generate compose`\n")
    listed = [line.split(maxsplit=2) for line in out.splitlines()]
    assert {kind for kind, *_ in listed} == set(KINDS)
    assert ["env", str(example), "(the variables of the contract, to copy and fill in)"] in listed
    assert [
        "systemd",
        str(unit),
        "(a hardened unit, and in its place where there is Podman a Quadlet)",
    ] in listed
    assert not example.exists()


def test_written_once_it_stays_as_it_is(ferrule: InProject, example: Path) -> None:
    assert ferrule("generate", "env") == (0, "", f"{example}: written\n")
    before = (example.stat().st_ino, example.stat().st_mtime_ns)
    assert ferrule("generate", "env") == (0, "", f"{example}: as it was\n")
    assert ferrule("generate", "env", "--check") == (0, "", "")
    assert (example.stat().st_ino, example.stat().st_mtime_ns) == before
    assert example.read_text().endswith("APP_URL=\n\nRUST_LOG=info\n# ferrule generate env: end\n")


def test_drift_is_shown_and_fails(ferrule: InProject, example: Path) -> None:
    ferrule("generate", "env")
    example.write_text(f"# ours\n{example.read_text()}OTHER=1\n")
    assert ferrule("generate", "env", "--check")[0] == 0
    manifest_file = example.with_name("Cargo.toml")
    manifest_file.write_text(manifest_file.read_text().replace("APP_URL", "APP_ADDRESS"))
    code, out, err = ferrule("generate", "env", "--check")
    assert code == 3
    assert "-APP_URL=\n+APP_ADDRESS=\n" in out
    assert err == f"error: 1 file not as the project has it: {example}\nhint: ferrule generate env\n"
    code, shown, _ = ferrule("generate", "env", "--diff")
    assert (code, shown) == (0, out)
    assert json.loads(ferrule("generate", "env", "--check", "--json")[1])["files"][0]["state"] == "changed"
    assert ferrule("generate", "env")[0] == 0
    text = example.read_text()
    assert text.startswith("# ours\n")
    assert text.endswith("OTHER=1\n")
    assert "APP_ADDRESS=" in text


def test_compose_comes_with_the_example_of_its_env_and_keeps_a_digest(
    ferrule: InProject, example: Path
) -> None:
    composed = example.with_name("compose.yaml")
    image = f"hello@sha256:{'1' * 64}"
    assert ferrule("generate", "compose", "--image", image)[2] == (
        f"{composed}: written\n{example}: written\n"
    )
    assert ferrule("generate", "compose", "env")[2] == f"{composed}: as it was\n{example}: as it was\n"
    assert f"    image: {image}\n" in composed.read_text()
    manifest_file = example.with_name("Cargo.toml")
    manifest_file.write_text(manifest_file.read_text().replace("RUST_LOG", "LOG"))
    code, out, _ = ferrule("generate", "compose", "--check")
    assert code == 3
    assert '-      RUST_LOG: "${RUST_LOG-info}"\n' in out
    assert '+      LOG: "${LOG-info}"\n' in out


def test_a_file_that_is_missing_is_drift_too(ferrule: InProject, example: Path) -> None:
    assert ferrule("generate", "env", "--check")[0] == 3
    assert not example.exists()


def test_without_a_kind_those_are_checked_that_were_generated(ferrule: InProject, example: Path) -> None:
    example.write_text("A=1\n")  # somebody else's
    assert ferrule("generate", "systemd")[0] == 0
    assert ferrule("generate", "--check") == (0, "", "")
    manifest_file = example.with_name("Cargo.toml")
    manifest_file.write_text(manifest_file.read_text().replace('"info"', '"warn"'))
    code, _, err = ferrule("generate", "--check")
    assert code == 3
    assert "hello.service" in err
    assert err.endswith("\nhint: ferrule generate systemd\n")
    assert example.read_text() == "A=1\n"
    workflow = example.parent / ".github" / "workflows" / "ferrule.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("# ferrule generate github: end\n")
    code, _, err = ferrule("generate", "--check")
    assert code == 3
    assert err.startswith(
        f"error: {workflow}: the marks of `ferrule generate github` are not a pair any more"
    )


def test_another_place(ferrule: InProject, example: Path, tmp_path: Path) -> None:
    assert ferrule("generate", "env", "-o", str(tmp_path / "deploy"))[0] == 0
    assert (tmp_path / "deploy" / ".env.example").is_file()
    assert not example.exists()


def test_a_file_of_somebody_else_is_never_overwritten(ferrule: InProject, example: Path) -> None:
    example.write_text("A=1\n")
    code, out, err = ferrule("generate", "env")
    assert (code, out) == (3, "")
    assert err.startswith(f"error: {example}: it is there, and not written by `ferrule generate`\nhint: ")
    assert example.read_text() == "A=1\n"
    assert ferrule("generate", "env", "--force")[0] == 0
    assert "APP_URL=" in example.read_text()


@pytest.mark.parametrize("image", ["acme/hello", "ghcr.io/acme/hello"])
@pytest.mark.parametrize("kind", ["kubernetes", "ecs", "systemd"])
def test_a_digest_stays_until_another_is_given(
    ferrule: InProject, example: Path, image: str, kind: str
) -> None:
    file = example.with_name("Cargo.toml")
    file.write_text(file.read_text() + f'[package.metadata.ferrule]\nimage = "{image}"\n')
    digest = f"sha256:{'ab' * 32}"
    assert ferrule("generate", kind, "--image", f"{image}@{digest}")[0] == 0
    assert ferrule("generate", kind, "--check") == (0, "", "")
    other = f"{image}@sha256:{'cd' * 32}"
    assert ferrule("generate", kind, "--check", "--image", other)[0] == 3


def test_what_is_no_text_is_refused(ferrule: InProject, example: Path) -> None:
    example.write_bytes(b"\xff\xfe")
    code, _, err = ferrule("generate", "env", "--force")
    assert code == 1
    assert err == f"error: cannot read {example}: it is no text in UTF-8\nhint: move it away\n"


def test_a_kind_that_is_none(ferrule: InProject) -> None:
    code, _, err = ferrule("generate", "helm")
    assert code == 2
    assert "'helm'" in err


def test_how_a_dockerfile_caches_and_its_base_are_asked_for(ferrule: InProject, example: Path) -> None:
    file = example.with_name("Dockerfile")
    assert ferrule("generate", "dockerfile", "--cache", "chef", "--base", "distroless")[0] == 0
    assert "cargo chef cook" in file.read_text()
    assert "FROM gcr.io/distroless/static-debian12:nonroot" in file.read_text()
    assert ferrule("generate", "dockerfile")[0] == 0
    assert "cargo chef cook" in file.read_text()
    assert "\nFROM scratch\n" in file.read_text()
    assert ferrule("generate", "dockerfile", "--check")[0] == 0
    assert ferrule("generate", "dockerfile", "--cache", "mount", "--check")[0] == 3
    code, _, err = ferrule("generate", "env", "--cache", "chef")
    assert (code, err.splitlines()[0]) == (2, "error: --cache and --base are for the kind dockerfile")


def test_another_compiler_than_the_one_that_is_installed_is_no_drift(
    ferrule: InProject, example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = example.with_name("Dockerfile")
    sysroot = SystemRunner().run(Command(argv=("rustc", "--print", "sysroot"))).stdout.decode().strip()
    monkeypatch.setenv("RUSTUP_TOOLCHAIN", Path(sysroot).name)  # whatever the file below says
    ferrule("generate", "dockerfile")
    here = file.read_text()
    other = re.sub(r"rust:\S+-slim", "rust:1.90.0-slim", here)
    file.write_text(other)
    assert ferrule("generate", "dockerfile", "--check") == (0, "", "")
    assert ferrule("generate", "--check") == (0, "", "")
    number = re.search(r"rust:(\S+)-slim", here)
    assert number is not None
    pinned = example.with_name("rust-toolchain.toml")
    pinned.write_text(f'[toolchain]\nchannel = "{number[1]}"\n')
    code, out, _ = ferrule("generate", "dockerfile", "--check")
    assert code == 3
    assert f"+FROM rust:{number[1]}-slim-bookworm AS toolchain\n" in out
    pinned.unlink()
    assert ferrule("generate", "dockerfile")[0] == 0
    assert file.read_text() == here


def test_what_a_build_may_do_a_dockerfile_may(ferrule: InProject, example: Path) -> None:
    file = example.with_name("Cargo.toml")
    file.write_text(f'{file.read_text()}DEV_URL = "postgres://a:b@localhost/c"\n')
    code, _, err = ferrule("generate", "dockerfile")
    assert code == 3
    assert "add --allow-secret DEV_URL" in err
    assert ferrule("generate", "dockerfile", "--allow-secret", "DEV_URL")[0] == 0
    assert "postgres://a:b@localhost/c" in example.with_name("Dockerfile").read_text()


def test_what_is_written_around_a_dockerfile_stays(ferrule: InProject, example: Path) -> None:
    file = example.with_name("Dockerfile")
    ferrule("generate", "dockerfile")
    file.write_text(f"# syntax=docker/dockerfile:1\n{file.read_text()}LABEL team=payments\n")
    assert ferrule("generate", "dockerfile", "--check")[0] == 0
    manifest_file = example.with_name("Cargo.toml")
    manifest_file.write_text(manifest_file.read_text() + "[package.metadata.ferrule]\nports = [8080]\n")
    code, out, _ = ferrule("generate", "dockerfile", "--check")
    assert code == 3
    assert "+EXPOSE 8080/tcp\n" in out
    assert ferrule("generate", "dockerfile")[0] == 0
    assert file.read_text().startswith("# syntax=docker/dockerfile:1\n# ferrule generate dockerfile:")
    assert file.read_text().endswith("# ferrule generate dockerfile: end\nLABEL team=payments\n")


def test_a_source_in_rust_has_marks_that_rust_reads(ferrule: InProject, example: Path) -> None:
    manifest_file = example.with_name("Cargo.toml")
    keys = '[package.metadata.ferrule]\nports = [8080]\nhealth = { path = "/health" }\n'
    manifest_file.write_text(manifest_file.read_text() + keys)
    assert ferrule("generate", "dockerfile")[0] == 0
    probe = example.parent / "deploy" / "docker" / "probe.rs"
    assert probe.read_text().startswith("// ferrule generate dockerfile: from here")
    probe.write_text(f"// ours\n{probe.read_text()}")
    assert ferrule("generate", "dockerfile", "--check")[0] == 0


def test_platforms_are_read_as_a_build_reads_them(ferrule: InProject, example: Path) -> None:
    manifest_file = example.with_name("Cargo.toml")
    keys = '[package.metadata.ferrule]\nplatforms = ["{}"]\n'
    text = manifest_file.read_text()
    manifest_file.write_text(text + keys.format("linux/amd64,linux/arm64"))
    assert ferrule("generate", "dockerfile")[0] == 0
    assert "FROM for-$TARGETARCH AS toolchain" in example.with_name("Dockerfile").read_text()
    manifest_file.write_text(text + keys.format("arm64"))
    code, _, err = ferrule("generate", "dockerfile")
    assert (code, err.splitlines()[0]) == (
        3,
        "error: package.metadata.ferrule.platforms: 'arm64' is not a platform",
    )
