"""One command, two processors, and each image answers on its health path, arm64's in qemu."""

import shutil
import signal
from pathlib import Path

import pytest

from ferrule.elf.facts import read_binary
from tests.cargo_projects import manifest, write_project
from tests.journey.ferrule import SHOP, ferrule, free_port, health, shop_variables
from tests.parts.bases import base_layout
from tests.parts.emulated import serving, unpacked
from tests.parts.need import need
from tests.parts.targets import need_targets
from tests.parts.zig import ferrule_with_zig

pytestmark = pytest.mark.real

BOTH = ("--platform", "linux/amd64,linux/arm64")
PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}
SERVES = r"""
use std::io::{Read, Write};
fn main() {
    let port: u16 = std::env::var("APP_PORT").unwrap().parse().unwrap();
    let server = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    for client in server.incoming() {
        let mut client = client.unwrap();
        let mut request = [0; 1024];
        let read = client.read(&mut request).unwrap();
        assert!(request[..read].starts_with(b"GET /health "));
        let body = format!(r#"{{"runs on": "{}"}}"#, std::env::consts::ARCH);
        let head = format!("content-length: {}\r\nconnection: close", body.len());
        write!(client, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").unwrap();
    }
}
"""
CROSS = "aarch64-linux-gnu-gcc"
DONOR = "distroless/cc-debian12:latest"


@pytest.mark.parametrize("link", ["auto", "musl", "dynamic"])
def test_a_service_answers_on_both_processors(tmp_path: Path, link: str) -> None:
    need_targets()
    need(link == "musl" or shutil.which(CROSS), CROSS)
    table = '[package.metadata.ferrule]\nports = [3000]\nhealth = { path = "/health" }\n'
    place = write_project(tmp_path / "project", {"Cargo.toml": manifest(extra=table), "src/main.rs": SERVES})
    donor = ("--donor", f"oci:{base_layout(DONOR)}") if link == "dynamic" else ()
    ferrule("build", str(place), *BOTH, "--link", link, *donor, "-o", f"oci:{tmp_path}/out:v1")
    for processor, name in PROCESSORS.items():
        image, port = unpacked(f"oci:{tmp_path}/out:v1", processor, tmp_path), free_port()
        assert read_binary(image.root / "app" / "hello").is_static == (link != "dynamic")
        assert image.config["Labels"]["ferrule.health.path"] == "/health"
        with serving(image, {"APP_PORT": str(port)}) as service:
            assert health(port) == {"runs on": name}
        assert service.returncode == -signal.SIGTERM


@pytest.mark.acceptance
@pytest.mark.parametrize("flags", [("--link", "auto"), ("--link", "musl"), ("--glibc", "2.28")], ids=" ".join)
def test_the_example_answers_on_both_processors(
    tmp_path: Path, flags: tuple[str, ...], database: str
) -> None:
    need_targets()
    donor = ("--donor", f"oci:{base_layout(DONOR)}")
    built = ferrule_with_zig("build", SHOP, "--locked", *BOTH, *flags, *donor, "-o", f"oci:{tmp_path}/out:v1")
    assert built.returncode == 0, built.stderr
    for processor in PROCESSORS:
        image, port = unpacked(f"oci:{tmp_path}/out:v1", processor, tmp_path), free_port()
        with serving(image, shop_variables(database, port)) as service:
            assert health(port) == {"status": "ok", "version": "0.4.2"}
        assert service.returncode == 0
