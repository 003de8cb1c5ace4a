"""Wrong input: one line of cause, one hint, the right exit code, nothing half-written. A test per row."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cli.app import run
from tests.cargo_projects import HELLO, manifest, write_project
from tests.fakes import images

Ferrule = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ferrule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ferrule:
    """Runs a command line and gives exit code, cause and hint; checks their form on the way."""
    monkeypatch.setenv("FERRULE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        lines = err.splitlines()[-2:]
        assert [line.partition(":")[0] for line in lines] == ["error", "hint"], err
        assert out == ""
        assert "Traceback" not in err
        return code, lines[0].removeprefix("error: "), lines[1].removeprefix("hint: ")

    return call


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project")


def layout(place: Path, architecture: str) -> Path:
    """An image that holds one small file."""
    images.write_layout_of(place, {architecture: ((images.tar_of([images.entry("etc/x")]),), {})})
    return place


def metadata(text: str) -> dict[str, str]:
    return {"Cargo.toml": manifest(extra=f"[package.metadata.ferrule]\n{text}\n")}


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        (
            ["--link", "statik"],
            "Invalid value for '--link': 'statik' is not one of 'auto', 'static', 'dynamic', 'musl'.",
        ),
        (["--optimize", "fast"], "'fast' is not one of"),
        (["--image", "ghcr.io/Acme/shop"], "'ghcr.io/Acme/shop' is not an image reference"),
        (["--image", "ghcr.io/acme/shop:v1"], "'ghcr.io/acme/shop:v1' has a tag"),
        (["--base", "Debian:12"], "'Debian:12' is not an image reference"),
        (["--base", "oci:"], "'oci:' is not a layout"),
        (["--donor", "oci:"], "'oci:' is not a layout"),
        (["--tag", "-x"], "'-x' is not a tag"),
        (["--port", "99999"], "'99999' is not a port"),
        (["--user", "nonroot"], "'nonroot' is not a numeric user"),
        (["--file", "static"], "'static' is not FROM:TO"),
        (["--env", "A"], "'A' is not NAME=VALUE"),
        (["--label", "A"], "'A' is not KEY=VALUE"),
        (["--output", "zip:x"], "'zip:x' is not a destination"),
        (["--mirror", "gcr.io"], "'gcr.io' is not a mirror"),
        (["--lnk", "static"], "No such option '--lnk'."),
        (["--jobs", "0"], "Invalid value for '-j'"),
        (["--profile", "dev"], "the dev profile makes programs ten to a hundred times slower"),
        (["--release", "--profile", "bench"], "--release and --profile bench contradict each other"),
        (["--push"], "--push needs the image's repository"),
        (["--engine", "docker"], "--engine goes with --load"),
    ],
)
def test_a_wrong_flag_is_exit_code_2(ferrule: Ferrule, project: Path, flags: list[str], cause: str) -> None:
    code, said, hint = ferrule("build", project, *flags)
    assert code == 2
    assert cause in said
    assert hint
    assert not (project / "target").exists()


def test_an_unknown_verb_is_exit_code_2(ferrule: Ferrule) -> None:
    assert ferrule("biuld")[0] == 2


@pytest.mark.parametrize("text", ["yesterday", "²", "-1", "1" * 5000, str(1 << 33)])
def test_a_bad_source_date_epoch_is_exit_code_2(
    ferrule: Ferrule, project: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    assert ferrule("build", project)[:2] == (2, f"SOURCE_DATE_EPOCH is {text!r}")


@pytest.mark.parametrize("verb", ["plan", "build"])
@pytest.mark.parametrize(
    ("files", "flags", "cause"),
    [
        ({"Cargo.toml": "[package\n"}, [], "expected"),
        (
            {"src/main.rs": "", "src/lib.rs": "", "Cargo.toml": manifest(extra="autobins = false\n")},
            [],
            "hello has no binary target",
        ),
        ({"Cargo.toml": manifest(edition="2999")}, [], "edition 2999 is unknown to this cargo"),
        ({"src/bin/two.rs": HELLO}, [], "there are several binaries: hello, two"),
        ({}, ["--bin", "nope"], "there is no binary 'nope'"),
        ({}, ["-p", "nope"], "there is no package 'nope' in the workspace"),
        ({}, ["--profile", "nope"], "there is no profile 'nope' in Cargo.toml"),
        (metadata('link = "statik"'), [], "package.metadata.ferrule.link: 'statik' is not known"),
        (metadata('image = "Acme"'), [], "package.metadata.ferrule.image: 'Acme' is not an image reference"),
        (
            metadata('base = "Debian"'),
            [],
            "package.metadata.ferrule.base: 'Debian' is not an image reference",
        ),
        (
            metadata('base = "oci:a\\u0000"'),
            [],
            r"package.metadata.ferrule.base: 'oci:a\x00' is not a layout",
        ),
        (metadata("ports = [0]"), [], "package.metadata.ferrule.ports: 0 is not a port"),
        (metadata('user = "root"'), [], "package.metadata.ferrule.user: 'root' is not a numeric user"),
        (metadata('files = [{ from = "a" }]'), [], "package.metadata.ferrule.files: it takes from and to"),
        (metadata("prots = [80]"), [], "package.metadata.ferrule.prots is not a key of ferrule"),
    ],
)
def test_a_wrong_project_is_exit_code_3(
    ferrule: Ferrule, tmp_path: Path, verb: str, files: dict[str, str], flags: list[str], cause: str
) -> None:
    place = write_project(tmp_path / "wrong", files)
    code, said, hint = ferrule(verb, place, *flags)
    assert code == 3
    assert cause in said
    assert hint
    assert not (place / "target" / "ferrule" / "image").exists()


def test_an_unknown_key_comes_with_the_nearest_one(ferrule: Ferrule, tmp_path: Path) -> None:
    place = write_project(tmp_path / "wrong", metadata("prots = [80]"))
    assert ferrule("plan", place)[2] == "did you mean ports?"


def test_no_cargo_toml_is_exit_code_3(ferrule: Ferrule, tmp_path: Path) -> None:
    assert ferrule("build", tmp_path)[:2] == (3, f"there is no Cargo.toml in {tmp_path}")


def test_a_file_that_is_missing_or_leaves_the_project_is_exit_code_3(ferrule: Ferrule, project: Path) -> None:
    (project / "out").symlink_to("/etc/passwd")
    assert ferrule("build", project, "--file", "nope:/x")[:2] == (3, "the file 'nope' is not there")
    for leaving in ("../..", "/etc/passwd", "out"):
        code, cause, _ = ferrule("build", project, "--file", f"{leaving}:/x")
        assert (code, cause) == (3, f"the file {leaving!r} leaves the project")


def test_a_missing_cargo_is_exit_code_3(
    ferrule: Ferrule, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    code, cause, hint = ferrule("build", project)
    assert (code, cause) == (3, "`cargo` is not installed, or not on PATH")
    assert "rustup" in hint


@pytest.mark.real
def test_a_build_that_fails_is_exit_code_4_and_keeps_the_last_image(ferrule: Ferrule, project: Path) -> None:
    assert run(["build", str(project)]) == 0
    index = project / "target" / "ferrule" / "image" / "index.json"
    before = index.read_bytes()
    (project / "src" / "main.rs").write_text("fn main() { nonsense }\n")
    ferrule_code = run(["build", str(project)])
    assert ferrule_code == 4
    assert index.read_bytes() == before


@pytest.mark.real
def test_a_missing_linker_is_exit_code_4(ferrule: Ferrule, project: Path) -> None:
    write_project(project, {".cargo/config.toml": '[target.x86_64-unknown-linux-gnu]\nlinker = "no-such"\n'})
    assert ferrule("build", project)[:2] == (4, "the link needs the program no-such, which is not on PATH")


@pytest.mark.real
def test_a_base_that_does_not_exist_is_exit_code_5(ferrule: Ferrule, project: Path, tmp_path: Path) -> None:
    assert ferrule("build", project, "--base", f"oci:{tmp_path}/nope")[0] == 5
    code, cause, _ = ferrule("build", project, "--base", "127.0.0.1:1/nope")
    assert code == 5
    assert "127.0.0.1:1" in cause
    (tmp_path / "broken" / "blobs").mkdir(parents=True)
    (tmp_path / "broken" / "index.json").write_text("{}")
    assert ferrule("build", project, "--base", f"oci:{tmp_path}/broken")[0] == 5
    assert not (project / "target" / "ferrule" / "image").exists()


@pytest.mark.real
def test_a_registry_that_is_not_there_is_exit_code_5(ferrule: Ferrule, project: Path) -> None:
    code, cause, hint = ferrule("build", project, "--image", "127.0.0.1:1/shop", "--push")
    assert code == 5
    assert "127.0.0.1:1" in cause
    assert hint


@pytest.mark.real
def test_a_base_for_another_processor_is_exit_code_6(ferrule: Ferrule, project: Path, tmp_path: Path) -> None:
    base = layout(tmp_path / "base", "arm64")
    code, cause, _ = ferrule("build", project, "--base", f"oci:{base}")
    assert (code, cause) == (6, f"oci:{base} is for linux/arm64, and the program is for linux/amd64")


@pytest.mark.real
def test_a_base_that_cannot_run_the_program_is_exit_code_6(
    ferrule: Ferrule, project: Path, tmp_path: Path
) -> None:
    base = layout(tmp_path / "base", "amd64")
    code, cause, hint = ferrule("build", project, "--link", "dynamic", "--base", f"oci:{base}")
    assert code == 6
    assert "ld-linux" in cause
    assert "fitted" in hint
    assert ferrule("build", project, "--link", "dynamic", "--base", "scratch")[0] == 6
    assert not (project / "target" / "ferrule" / "image").exists()


def test_an_engine_that_does_not_run_is_exit_code_6_before_anything_is_built(
    ferrule: Ferrule, project: Path
) -> None:
    code, cause, _ = ferrule("build", project, "--load", "--engine", "docker")
    assert code == 6
    assert "docker does not answer" in cause
    assert not (project / "target").exists()


def test_run_itself_failing_is_exit_code_125(ferrule: Ferrule, tmp_path: Path) -> None:
    assert ferrule("run", "--engine", "docker", "whatever")[0] == 125
    assert ferrule("run", "--engine", "sandbox", f"oci:{tmp_path}/nope")[0] == 125


def elf(**changes: int) -> bytes:
    head = bytearray(
        struct.pack(
            "<4sBBBBQHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, 2, 62, 1, 0, 64, 0, 0, 64, 56, 0, 64, 0, 0
        )
    )
    for offset, value in changes.items():
        head[int(offset.removeprefix("at"))] = value
    return bytes(head)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "is no ELF binary: it is empty"),
        (b"hello", "is no ELF binary"),
        (b"#!/bin/sh\n", "is a script"),
        (b"\xcf\xfa\xed\xfe" + bytes(60), "is a program for macOS"),
        (b"MZ" + bytes(60), "is a program for Windows"),
        (b"\x7fELF", "is cut short"),
        (elf()[:40], "is cut short"),
        (elf(at56=9), "is cut short: its headers point behind its end"),
        (elf(at16=1), "is an object file"),
        (elf(at16=4), "is a core dump"),
        (elf(at7=9), "is a program for FreeBSD"),
    ],
)
def test_what_is_no_program_for_linux_is_exit_code_3(
    ferrule: Ferrule, tmp_path: Path, data: bytes, cause: str
) -> None:
    (tmp_path / "file").write_bytes(data)
    code, said, hint = ferrule("inspect", tmp_path / "file")
    assert code == 3
    assert said.startswith(f"{tmp_path / 'file'} {cause}")
    assert hint


def test_a_truncated_program_and_none_at_all_are_exit_code_3(ferrule: Ferrule, tmp_path: Path) -> None:
    whole = Path("/bin/sh").resolve().read_bytes()
    for keep in (100, len(whole) // 2, len(whole) - 100):
        (tmp_path / "cut").write_bytes(whole[:keep])
        assert ferrule("inspect", tmp_path / "cut")[0] == 3
    assert ferrule("inspect", tmp_path / "nope")[0] == 3
    assert ferrule("inspect", tmp_path)[0] == 3


@pytest.mark.real
def test_a_destination_that_cannot_be_written_is_exit_code_1(
    ferrule: Ferrule, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for output in ("oci:{}/file/x", "docker-archive:{}/file/x", "binary:{}/file/x"):
        code, cause, _ = ferrule("build", project, "--output", output.format(tmp_path))
        assert code == 1
        assert cause.startswith("cannot write")
    assert (tmp_path / "file").read_text() == "in the way"
    assert list(tmp_path.rglob(".*.part-*")) == []
