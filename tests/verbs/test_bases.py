"""Fitted bases from images: a real registry, programs of two processors, and what is refused."""

import json
import os
import subprocess  # noqa: TID251 - the command line itself is under test
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.elf import AARCH64, Elf, library, program
from tests.fakes.images import entry, folder, tar_of, write_layout_of
from tests.journey.ferrule import tool
from tests.parts.bases import base_layout
from tests.parts.compile import compiled
from tests.parts.debian import arm64_program
from tests.parts.registry import open_registry

pytestmark = pytest.mark.real

CC = "distroless/cc-debian12:latest"
HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
MAKES = "int main(void) { return 0; }\n"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with the distroless image under its own name."""
    with open_registry(tmp_path_factory.mktemp("registry")) as registry:
        options = ("--all", "--insecure-policy", "--dest-tls-verify=false")
        tool("skopeo", "copy", *options, f"oci:{base_layout(CC)}:latest", f"docker://{registry.host}/{CC}")
        yield registry.host


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("programs"), "hello.c", HELLO)


def pack(*arguments: object, folder: Path, code: int = 0) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "FERRULE_CACHE_DIR": str(folder / "cache")}
    argv = (sys.executable, "-m", "ferrule", "pack", *map(str, arguments), "-o", f"oci:{folder}/out:v1")
    finished = subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True)
    assert finished.returncode == code, finished.stderr
    return finished


def label_of(folder: Path) -> str:
    labels = json.loads(tool("skopeo", "inspect", "--config", f"oci:{folder}/out:v1"))["config"]["Labels"]
    return str(labels["ferrule.donor"])


def root_of(folder: Path) -> Path:
    tool("umoci", "unpack", "--image", f"{folder}/out:v1", folder / "bundle")
    return folder / "bundle" / "rootfs"


def test_a_program_of_another_processor_gets_its_libraries_from_distroless(
    mirror: str, tmp_path: Path
) -> None:
    packed = pack(arm64_program("ninja"), "--mirror", f"gcr.io={mirror}", folder=tmp_path)

    donor = label_of(tmp_path)
    assert donor.startswith("gcr.io/distroless/cc-debian12@sha256:")
    assert f"base  fitted (from {donor})" in packed.stderr
    root = root_of(tmp_path)
    records = {path.name for path in (root / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libc6.md5sums", "libstdc++6", "libgcc-s1"} <= records
    assert tool("qemu-aarch64-static", "-L", root, root / "app" / "ninja", "--version") == "1.11.1"


def test_a_musl_program_of_another_processor_gets_its_libraries_from_alpine(
    mirror: str, tmp_path: Path
) -> None:
    loader = entry("lib/ld-musl-aarch64.so.1", library("libc.musl-aarch64.so.1", machine=AARCH64))
    write_layout_of(tmp_path / "alpine", {"arm64": ((tar_of([folder("lib"), loader]),), {})})
    options = ("--insecure-policy", "--dest-tls-verify=false")
    tool("skopeo", "copy", *options, f"oci:{tmp_path}/alpine:latest", f"docker://{mirror}/library/alpine:3")
    made = program("libc.musl-aarch64.so.1", interpreter="/lib/ld-musl-aarch64.so.1", machine=AARCH64)
    (tmp_path / "small").write_bytes(made)

    pack(tmp_path / "small", "--mirror", f"docker.io={mirror}", folder=tmp_path)

    assert label_of(tmp_path).startswith("docker.io/library/alpine@sha256:")
    assert (root_of(tmp_path) / "lib" / "ld-musl-aarch64.so.1").is_file()


@pytest.mark.parametrize("base", ["auto", "fitted", "scratch"])
def test_a_static_program_of_another_processor_asks_no_registry(base: str, tmp_path: Path) -> None:
    (tmp_path / "still").write_bytes(Elf(machine=AARCH64).bytes())
    nowhere = "127.0.0.1:1"
    mirrors = ("--mirror", f"gcr.io={nowhere}", "--mirror", f"docker.io={nowhere}")

    packed = pack(tmp_path / "still", "--base", base, *mirrors, folder=tmp_path)

    assert "     base  scratch\n" in packed.stderr


def test_the_label_pins_the_donor_so_that_it_gives_the_same_image(
    mirror: str, hello: Path, tmp_path: Path
) -> None:
    flags = ("--mirror", f"gcr.io={mirror}", "--json")
    by_tag = pack(hello, "--donor", "gcr.io/distroless/cc-debian12", *flags, folder=tmp_path).stdout
    by_digest = pack(hello, "--donor", label_of(tmp_path), *flags, folder=tmp_path).stdout

    assert json.loads(by_tag)["digest"] == json.loads(by_digest)["digest"]
    assert tool("chroot", root_of(tmp_path), "/app/hello") == "hello"


def test_a_layout_is_a_donor_too_and_its_place_is_not_in_the_image(hello: Path, tmp_path: Path) -> None:
    pack(hello, "--donor", f"oci:{base_layout('library/debian:bookworm-slim')}", folder=tmp_path)

    assert label_of(tmp_path).startswith("sha256:")
    assert tool("chroot", root_of(tmp_path), "/app/hello") == "hello"


def test_a_base_is_asked_for_the_libraries_that_are_declared(hello: Path, tmp_path: Path) -> None:
    base = ("--base", f"oci:{base_layout(CC)}")
    pack(hello, *base, "--library", "libssl.so.3", folder=tmp_path)
    refused = pack(hello, *base, "--library", "libpq.so.5", folder=tmp_path, code=6)

    assert "the program needs libpq.so.5; oci:" in refused.stderr


@pytest.mark.parametrize(
    ("flags", "code", "cause"),
    [
        (("--donor", "{cc}", "--library", "libpq.so.5"), 6, "the program needs libpq.so.5; oci:"),
        (("--donor", "{slim}", "--library", "/usr/$LIB/no.so"), 6, "has no /usr/$LIB/no.so"),
        (("--donor", "oci:nothing"), 5, "nothing"),
        (("--donor", "No"), 2, "Invalid value for '--donor'"),
        (("--library", "lib*.so"), 2, "'lib*.so' is not a library"),
        (("--config", "image.toml"), 3, "image.toml.donor: 'No' is not an image reference"),
    ],
)
def test_what_a_donor_cannot_give_is_one_clear_line(
    hello: Path, tmp_path: Path, flags: tuple[str, ...], code: int, cause: str
) -> None:
    (tmp_path / "image.toml").write_text('donor = "No"\n')
    places = {"cc": CC, "slim": "library/debian:bookworm-slim"}
    layouts = {name: f"oci:{base_layout(place)}" for name, place in places.items()}
    filled = [flag.format(**layouts) for flag in flags]

    error, hint = pack(hello, *filled, folder=tmp_path, code=code).stderr.splitlines()[-2:]

    assert error.startswith("error: ")
    assert cause in error
    assert hint.startswith("hint: ")


def test_a_static_program_opens_no_libraries(tmp_path: Path) -> None:
    program = compiled(tmp_path, "still.c", MAKES, "-static")
    refused = pack(program, "--library", "libz.so.1", folder=tmp_path, code=6)

    assert "the program is static" in refused.stderr


def test_a_donor_of_another_processor_is_refused(tmp_path: Path) -> None:
    slim = f"oci:{base_layout('library/debian:bookworm-slim')}"
    refused = pack(arm64_program("ninja"), "--donor", slim, folder=tmp_path, code=6)

    assert "is for linux/amd64, and the program is for linux/arm64" in refused.stderr
