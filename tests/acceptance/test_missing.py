"""Crates that people use, each without the tool or library that it needs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ferrule.cargo.missing import LIBRARIES, TOOLS
from tests.cargo.failing import build_script, error_of, shared_target, without
from tests.cargo_projects import manifest

__all__ = ["shared_target", "without"]
pytestmark = [pytest.mark.acceptance, pytest.mark.real]
Without = Callable[..., Path]

LIBRARY_ROWS = {
    "alsa-sys": ("ALSA", 'alsa-sys = "0.3"'),
    "glib-sys": ("GLib", 'glib-sys = "0.20"'),
    "libdbus-sys": ("D-Bus", 'libdbus-sys = "0.2"'),
    "libudev-sys": ("libudev", 'libudev-sys = "0.1"'),
    "openssl-sys": ("OpenSSL", 'openssl-sys = "0.9"'),
}


def hint_of(title: str) -> str:
    return next(part.hint for part in (*TOOLS, *LIBRARIES) if part.title == title)


def depending_on(dependency: str) -> dict[str, str]:
    return {"Cargo.toml": manifest(extra=f"[dependencies]\n{dependency}\n")}


@pytest.mark.parametrize("crate", LIBRARY_ROWS)
def test_a_crate_without_its_library(
    tmp_path: Path, without: Without, monkeypatch: pytest.MonkeyPatch, crate: str
) -> None:
    title, dependency = LIBRARY_ROWS[crate]
    without(keep=("pkg-config",))
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", "/nowhere")
    message = f"{crate} needs {title}, which is not installed"
    assert error_of(tmp_path / "p", depending_on(dependency)) == (message, hint_of(title))


@pytest.mark.parametrize("crate", LIBRARY_ROWS)
def test_a_crate_without_pkg_config(tmp_path: Path, without: Without, crate: str) -> None:
    without()
    message = f"{crate} needs pkg-config, which is not installed"
    assert error_of(tmp_path / "p", depending_on(LIBRARY_ROWS[crate][1])) == (message, hint_of("pkg-config"))


def test_prost_build_without_protoc(tmp_path: Path, without: Without) -> None:
    without()
    files = build_script(
        'prost-build = { version = "0.13", default-features = false }',
        'prost_build::compile_protos(&["x.proto"], &["."]).unwrap();',
    )
    message = "hello needs protoc, which is not installed"
    assert error_of(tmp_path / "p", files) == (message, hint_of("protoc"))


def test_bindgen_without_libclang(tmp_path: Path, without: Without) -> None:
    without()
    files = build_script('bindgen = "0.72"', 'bindgen::builder().header("x.h").generate().unwrap();')
    message = "hello needs libclang, which is not installed"
    assert error_of(tmp_path / "p", files) == (message, hint_of("libclang"))


def test_a_vendored_openssl_without_make(tmp_path: Path, without: Without) -> None:
    without(keep=("perl",))
    message = "openssl-sys needs make, which is not installed"
    files = depending_on('openssl-sys = { version = "0.9", features = ["vendored"] }')
    assert error_of(tmp_path / "p", files) == (message, hint_of("make"))


def test_aws_lc_without_cmake(tmp_path: Path, without: Without, monkeypatch: pytest.MonkeyPatch) -> None:
    without()
    monkeypatch.setenv("AWS_LC_SYS_CMAKE_BUILDER", "1")
    message = "aws-lc-sys needs cmake, which is not installed"
    assert error_of(tmp_path / "p", depending_on('aws-lc-sys = "0.30"')) == (message, hint_of("cmake"))
