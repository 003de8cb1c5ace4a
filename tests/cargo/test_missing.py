"""A missing tool or library is named with its packages: real builds by crates that need it."""

import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cargo.missing import LIBRARIES, TOOLS, Part, find_missing
from ferrule.process import Command, SystemRunner
from tests.cargo.failing import build_script, error_of
from tests.cargo_projects import manifest
from tests.parts.need import need
from tests.parts.targets import need_targets

Without = Callable[..., Path]
real = pytest.mark.real

COMPILES = 'std::fs::write("x.{0}", "").unwrap(); cc::Build::new().cpp({1}).file("x.{0}").compile("x");'
TOOL_ROWS = {
    "pkg-config": build_script('pkg-config = "0.3"', 'pkg_config::probe_library("libpq").unwrap();'),
    "cmake": build_script('cmake = "0.1"', 'cmake::build(".");'),
    "a C++ compiler": build_script('cc = "1"', COMPILES.format("cc", "true")),
    "clang": build_script('cc = "1"', COMPILES.format("c", 'false).compiler("clang"')),
    "libclang": build_script(
        'clang-sys = { version = "1", features = ["runtime"] }', "clang_sys::load().unwrap();"
    ),
    "nasm": build_script('nasm-rs = "0.3"', 'nasm_rs::compile_library("x.a", &["x.asm"]).unwrap();'),
}
CRATE_ROWS = {
    "python3": ("pyo3-build-config", 'pyo3-ffi = "0.25"'),
    "perl": ("openssl-sys", 'openssl-sys = { version = "0.9", features = ["vendored"] }'),
}
LINKER_ROWS = {
    "mold": '[build]\nrustflags = ["-Clink-arg=-fuse-ld=mold"]\n',
    "lld": '[target.x86_64-unknown-linux-gnu]\nlinker = "ld.lld"\n',
}
RECORDED = {
    "protoc": "protoc.txt",
    "Go": "go.txt",
    "make": "make.txt",
    "a C++ compiler": "cxx.txt",
    "Protobuf's own .proto files": "well-known.txt",
}
"""Texts of real runs that take long or need much; the first line of each says of what."""


def part_of(title: str) -> Part:
    return next(part for part in (*TOOLS, *LIBRARIES) if part.title == title)


@real
@pytest.mark.parametrize("title", TOOL_ROWS)
def test_a_tool_that_a_build_script_misses(tmp_path: Path, without: Without, title: str) -> None:
    without()
    if title == "libclang":
        need(not list(Path("/usr/lib").rglob("libclang[.-][s0-9]*")), "a machine without libclang")
    message, hint = error_of(tmp_path / "p", TOOL_ROWS[title])
    assert (message, hint) == (f"hello needs {title}, which is not installed", part_of(title).hint)


@real
@pytest.mark.parametrize("title", CRATE_ROWS)
def test_a_tool_that_the_build_script_of_a_dependency_misses(
    tmp_path: Path, without: Without, title: str
) -> None:
    without()
    crate, dependency = CRATE_ROWS[title]
    files = {"Cargo.toml": manifest(extra=f"[dependencies]\n{dependency}\n")}
    assert error_of(tmp_path / "p", files) == (
        f"{crate} needs {title}, which is not installed",
        part_of(title).hint,
    )


@real
def test_a_c_compiler_that_a_build_script_misses(tmp_path: Path, without: Without) -> None:
    linker = f'[target.x86_64-unknown-linux-gnu]\nlinker = "{shutil.which("gcc")}"\n'
    files = build_script('cc = "1"', COMPILES.format("c", "false"))
    without("cc", "gcc")
    assert error_of(tmp_path / "p", {**files, ".cargo/config.toml": linker}) == (
        "hello needs a C compiler, which is not installed",
        part_of("a C compiler").hint,
    )


@pytest.mark.parametrize("title", RECORDED)
def test_a_tool_that_a_recorded_run_missed(title: str) -> None:
    text = (Path(__file__).parent / "said" / RECORDED[title]).read_text()
    cause = find_missing(text)
    assert cause is not None
    verb = "are" if title.endswith("s") else "is"
    assert cause.message.endswith(f" needs {title}, which {verb} not installed")
    assert cause.hint == part_of(title).hint


def test_every_tool_has_a_test() -> None:
    tested = {*TOOL_ROWS, *CRATE_ROWS, *LINKER_ROWS, *RECORDED, "a C compiler"}
    assert {part.title for part in TOOLS} == tested


def test_a_c_compiler_without_the_c_library_of_a_recorded_run() -> None:
    cause = find_missing((Path(__file__).parent / "said" / "libc.txt").read_text())
    assert cause is not None
    assert (cause.message, cause.hint) == (
        "the linker does not find the C library",
        part_of("the C library").hint,
    )


ARM = "aarch64-unknown-linux-gnu"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("unable to find library -lz\n", "the linker does not find zlib", "turn on its feature that builds"),
        ("fatal error: zlib.h: No such file\n", "the link needs zlib", "turn on its"),
        (
            "unable to find library -lc\n",
            "the linker does not find the C library",
            "install Debian's gcc-aarch64",
        ),
    ],
)
def test_packages_of_this_processor_are_not_named_for_another(text: str, message: str, hint: str) -> None:
    cause = find_missing(text, ARM)
    assert cause is not None
    assert cause.message.startswith(message)
    assert cause.message.endswith(f" for {ARM}")
    assert cause.hint.startswith(hint)


@real
def test_a_library_that_is_missing_for_another_processor(tmp_path: Path) -> None:
    need(shutil.which("aarch64-linux-gnu-gcc"), "a compiler for arm64")
    need_targets()
    code = '#[link(name = "of-nobody")] unsafe extern "C" { fn x(); }\nfn main() { unsafe { x() } }\n'
    config = f'[build]\ntarget = "{ARM}"\n'
    message, hint = error_of(tmp_path / "p", {"src/main.rs": code, ".cargo/config.toml": config})
    assert message == f"the linker does not find the library of-nobody for {ARM}"
    assert hint.startswith("turn on its feature that builds its own")


@real
@pytest.mark.parametrize(
    ("triple", "compiler", "hint"),
    [
        (
            "x86_64-unknown-linux-musl",
            "x86_64-linux-musl-gcc",
            "type: pipx inject ferrule 'ferrule[zig]', or install musl-tools (Debian)",
        ),
        (
            "aarch64-unknown-linux-musl",
            "aarch64-linux-musl-gcc",
            "type: pipx inject ferrule 'ferrule[zig]'",
        ),
        (
            "aarch64-unknown-linux-gnu",
            "aarch64-linux-gnu-gcc",
            "install gcc-aarch64-linux-gnu (Debian)",
        ),
        (
            "armv7-unknown-linux-gnueabihf",
            "arm-linux-gnueabihf-gcc",
            "install gcc-arm-linux-gnueabihf (Debian)",
        ),
    ],
)
def test_a_c_compiler_for_another_target(
    tmp_path: Path, without: Without, monkeypatch: pytest.MonkeyPatch, triple: str, compiler: str, hint: str
) -> None:
    need(platform.machine() == "x86_64", "x86_64, for which the hints are")
    body = f'std::env::set_var("TARGET", "{triple}"); ' + COMPILES.format("c", "false")
    without()
    assert error_of(tmp_path / "p", build_script('cc = "1"', body)) == (
        f"hello needs {compiler}, which is not installed",
        hint,
    )


@real
@pytest.mark.parametrize("title", LINKER_ROWS)
def test_a_linker_that_is_configured_and_missing(tmp_path: Path, without: Without, title: str) -> None:
    without()
    message, hint = error_of(tmp_path / "p", {".cargo/config.toml": LINKER_ROWS[title]})
    assert (message, hint) == (f"the link needs {title}, which is not installed", part_of(title).hint)


@real
def test_no_linker_at_all_is_a_missing_c_compiler(tmp_path: Path, without: Without) -> None:
    without("cc", "gcc")
    message, hint = error_of(tmp_path / "p")
    assert message == "the link needs a C compiler, which is not installed"
    assert hint == "install gcc and libc6-dev (Debian), gcc (Fedora), gcc and musl-dev (Alpine)"


PROBE = build_script('pkg-config = "0.3"', 'pkg_config::probe_library(env!("NAME")).unwrap();')


@real
def test_each_library_that_pkg_config_does_not_find(
    tmp_path: Path, without: Without, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(keep=("pkg-config",))
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", "/nowhere")
    for part in LIBRARIES:
        monkeypatch.setenv("NAME", part.names[0])
        assert error_of(tmp_path / "p", PROBE) == (
            f"hello needs {part.title}, which is not installed",
            part.hint,
        )
    monkeypatch.setenv("NAME", "of-nobody")
    assert error_of(tmp_path / "p", PROBE)[0] == "hello needs the library of-nobody, which is not installed"


@real
def test_a_library_that_is_too_old(tmp_path: Path, without: Without, monkeypatch: pytest.MonkeyPatch) -> None:
    without(keep=("pkg-config",))
    (tmp_path / "toy.pc").write_text("Name: toy\nDescription: toy\nVersion: 1.2\n")
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", str(tmp_path))
    body = 'pkg_config::Config::new().atleast_version("3").probe("toy").unwrap();'
    message, hint = error_of(tmp_path / "p", build_script('pkg-config = "0.3"', body))
    assert message == "hello needs toy >= 3, and this machine has 1.2"
    assert hint.startswith("install a newer toy")


@real
def test_openssl_sys_without_openssl(
    tmp_path: Path, without: Without, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(keep=("pkg-config",))
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", "/nowhere")
    files = {"Cargo.toml": manifest(extra='[dependencies]\nopenssl-sys = "0.9"\n')}
    assert error_of(tmp_path / "p", files) == (
        "openssl-sys needs OpenSSL, which is not installed",
        "install libssl-dev (Debian), openssl-devel (Fedora), openssl-dev (Alpine)",
    )


def absent(names: dict[str, Part], found: Callable[[str], bool]) -> tuple[str, Part]:
    """The first of the names that this machine does not have."""
    missing = next(((name, part) for name, part in names.items() if not found(name)), None)
    need(missing, "a machine that lacks one of the libraries")
    assert missing is not None
    return missing


@real
def test_a_library_that_the_linker_does_not_find(tmp_path: Path, without: Without) -> None:
    def found(name: str) -> bool:
        file = f"lib{name}.so"
        answer = SystemRunner().run(Command(argv=("gcc", f"-print-file-name={file}"))).stdout.decode()
        return answer.strip() != file

    need(shutil.which("gcc"), "gcc")
    name, part = absent({part.names[-1]: part for part in LIBRARIES}, found)
    without()
    code = f'#[link(name = "{name}")] unsafe extern "C" {{ fn x(); }}\nfn main() {{ unsafe {{ x() }} }}\n'
    assert error_of(tmp_path / "p", {"src/main.rs": code}) == (
        f"the linker does not find {part.title}",
        part.hint,
    )


@real
def test_a_header_that_a_c_compiler_does_not_find(tmp_path: Path, without: Without) -> None:
    def found(name: str) -> bool:
        (tmp_path / "x.c").write_text(f"#include <{name}>\n")
        return SystemRunner().run(Command(argv=("gcc", "-E", str(tmp_path / "x.c")))).ok

    need(shutil.which("gcc"), "gcc")
    headers = {header: part for part in LIBRARIES for header in part.headers if header.endswith(".h")}
    name, part = absent(headers, found)
    without()
    body = f'std::fs::write("x.c", "#include <{name}>").unwrap(); cc::Build::new().file("x.c").compile("x");'
    message, hint = error_of(tmp_path / "p", build_script('cc = "1"', body))
    assert message == f"hello needs {part.title}: its header {name} is not installed"
    assert hint == part.hint
