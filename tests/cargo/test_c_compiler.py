"""By what C is compiled for a target, from what is on PATH and in the environment."""

from pathlib import Path

import pytest

from ferrule.cargo.c_compiler import CCompiler, c_compiler_hint, find_c_compiler
from ferrule.cargo.target import Target, platform_of

GNU, MUSL = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"
ARM_GNU, ARM_MUSL = "aarch64-unknown-linux-gnu", "aarch64-unknown-linux-musl"
ARMV7_MUSL, RISCV = "armv7-unknown-linux-musleabihf", "riscv64gc-unknown-linux-gnu"
MAC = "aarch64-apple-darwin"


def target(triple: str, *, zig: bool = False, glibc: str | None = None) -> Target:
    platform = platform_of(triple)
    assert platform is not None
    program = ("/bin/cargo-zigbuild",) if zig else ("cargo",)
    env = {"CARGO_ZIGBUILD_PYTHON_PATH": "/bin/python3"} if zig else {}
    return Target(platform=platform, triple=triple, program=program, glibc=glibc, env=env)


def path_of(folder: Path, programs: str) -> dict[str, str]:
    """An environment whose PATH has these programs alone."""
    for name in programs.split():
        (folder / name).touch(mode=0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("triple", "host", "programs", "found"),
    [
        (GNU, GNU, "cc musl-gcc", "cc"),
        (MUSL, GNU, "cc musl-gcc x86_64-linux-musl-gcc", "x86_64-linux-musl-gcc"),
        (MUSL, GNU, "cc musl-gcc", "musl-gcc"),
        (MUSL, GNU, "cc", "cc"),
        (MUSL, MUSL, "cc musl-gcc", "cc"),
        (MUSL, ARM_GNU, "cc musl-gcc x86_64-linux-gnu-gcc", "x86_64-linux-gnu-gcc"),
        (ARM_MUSL, GNU, "cc musl-gcc aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"),
        (ARM_MUSL, GNU, "aarch64-linux-gnu-gcc aarch64-linux-musl-gcc", "aarch64-linux-musl-gcc"),
        (ARM_GNU, GNU, "cc aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"),
        (RISCV, GNU, "cc riscv64-linux-gnu-gcc", "riscv64-linux-gnu-gcc"),
        (ARM_MUSL, GNU, "cc musl-gcc", None),
        (ARM_MUSL, MAC, "cc", None),
        (ARMV7_MUSL, GNU, "cc arm-linux-gnueabihf-gcc", None),
        (GNU, GNU, "gcc-12", None),
    ],
)
def test_the_compiler_is_one_for_the_processor_and_musl_s_own_goes_first(
    tmp_path: Path, triple: str, host: str, programs: str, found: str | None
) -> None:
    compiler = find_c_compiler(target(triple), host, path_of(tmp_path, programs))
    assert compiler == (CCompiler(argv=(found,)) if found else None)


@pytest.mark.parametrize(
    ("name", "triple", "is_heard"),
    [
        ("CC_x86_64_unknown_linux_musl", MUSL, True),
        ("CC_x86_64-unknown-linux-musl", MUSL, True),
        ("TARGET_CC", MUSL, True),
        ("CC", GNU, True),
        ("CC", MUSL, False),
        ("CC_aarch64_unknown_linux_musl", MUSL, False),
    ],
)
def test_a_compiler_that_the_user_names_for_crates_goes_first(
    tmp_path: Path, name: str, triple: str, *, is_heard: bool
) -> None:
    environ = {**path_of(tmp_path, "cc"), name: "sccache clang"}
    compiler = find_c_compiler(target(triple), GNU, environ)
    assert compiler is not None
    assert compiler.argv == (("sccache", "clang") if is_heard else ("cc",))


@pytest.mark.parametrize(
    ("triple", "glibc", "zig_s"),
    [
        (MUSL, None, "x86_64-linux-musl"),
        (ARM_MUSL, None, "aarch64-linux-musl"),
        (GNU, "2.28", "x86_64-linux-gnu.2.28"),
    ],
)
def test_what_zig_links_it_compiles_too(tmp_path: Path, triple: str, glibc: str | None, zig_s: str) -> None:
    compiler = find_c_compiler(target(triple, zig=True, glibc=glibc), GNU, path_of(tmp_path, "cc"))
    assert compiler == CCompiler(
        argv=("/bin/cargo-zigbuild", "zig", "cc", "--", "-target", zig_s),
        env={"CARGO_ZIGBUILD_PYTHON_PATH": "/bin/python3"},
    )
    assert str(compiler) == "zig"


def test_zig_is_not_asked_for_processors_that_were_not_tried(tmp_path: Path) -> None:
    assert find_c_compiler(target(ARMV7_MUSL, zig=True), GNU, path_of(tmp_path, "cc")) is None


@pytest.mark.parametrize(
    ("triple", "host", "words"),
    [
        (MUSL, GNU, "install gcc and libc6-dev (Debian)"),
        (ARM_MUSL, GNU, "install Debian's gcc-aarch64-linux-gnu and libc6-dev-arm64-cross, or type: pipx"),
        (RISCV, GNU, "install Debian's gcc-riscv64-linux-gnu and libc6-dev-riscv64-cross, or type: pipx"),
        (ARMV7_MUSL, GNU, "type: pipx"),
        (MUSL, MAC, "install Debian's gcc-x86-64-linux-gnu and libc6-dev-amd64-cross, or type: pipx"),
    ],
)
def test_the_hint_names_what_would_be_found(triple: str, host: str, words: str) -> None:
    assert c_compiler_hint(target(triple), host).startswith(words)
