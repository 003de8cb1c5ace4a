"""Images whose documents or archives mislead: refused in one line, soon, and nothing is left behind."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.measure import refused
from tests.fakes.elf import Elf
from tests.fakes.images import INDEX, MANIFEST, entry, tar_of, write_layout_of
from tests.fakes.layouts import (
    CONFIG,
    Descriptor,
    Layout,
    archive_of,
    digest_of,
    docker_archive,
    header,
    index_of,
    json_of,
)

TAR = tar_of([entry("a", b"a" * 600)])
NESTED = b"[" * 100_000
EVIL = "\x1b[2J\x1b]0;x\x07\n\u202eerror: gone"

Row = tuple[Callable[[Path], object], int, str]


def layout(place: Path) -> Layout:
    return Layout(place / "layout")


def offered(place: Path, **changes: Any) -> Path:
    """A layout of one good layer, with changes to its image."""
    made = layout(place)
    return made.offer(made.image(TAR, **changes))


def replaced(place: Path, kind: str, content: Callable[[Path], object]) -> Path:
    """A good layout, of which the manifest, the config, the layer or the index is made anew by `content`."""
    made = layout(place)
    descriptor = made.image(TAR)
    made.offer(descriptor)
    manifest = json.loads(made.blob(descriptor["digest"]).read_bytes())
    path = {
        "index": made.place / "index.json",
        "manifest": made.blob(descriptor["digest"]),
        "config": made.blob(manifest["config"]["digest"]),
        "layer": made.blob(manifest["layers"][0]["digest"]),
    }[kind]
    path.unlink()
    content(path)
    return made.place


def document(place: Path, data: object, kind: str = MANIFEST) -> Path:
    """A layout whose index names any document."""
    made = layout(place)
    return made.offer(made.put(json_of(data), kind))


def many_layers(place: Path) -> Path:
    made = layout(place)
    layer = made.put(TAR, "application/vnd.oci.image.layer.v1.tar")
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [digest_of(TAR)] * 10_000}}
    manifest = {"schemaVersion": 2, "config": made.put(json_of(config), CONFIG), "layers": [layer] * 10_000}
    return made.offer(made.put(json_of(manifest), MANIFEST))


def nested_indexes(place: Path, depth: int) -> Path:
    made = layout(place)
    inner: Descriptor = made.image(TAR)
    for _ in range(depth):
        inner = made.put(index_of(inner), INDEX)
    return made.offer(inner)


def for_platforms(place: Path, *names: str) -> Path:
    write_layout_of(place / "layout", {name: ((TAR,), {}) for name in names})
    return place / "layout"


def cut(place: Path, keep: float) -> Path:
    """An archive of an image of a megabyte, cut short."""
    file = docker_archive(place / "image.tar", tar_of([entry("a", os.urandom(1 << 20))]))
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep)])
    return file


def compressed(place: Path, magic: bytes = b"") -> Path:
    file = docker_archive(place / "image.tar", TAR)
    file.write_bytes(magic + bytes(600) if magic else gzip.compress(file.read_bytes()))
    return file


def many_files(place: Path, name: bytes) -> Path:
    file = place / "image.tar"
    file.write_bytes(b"".join(header(name % number, b"0\0") for number in range(30_000)) + bytes(1024))
    return file


def saved(place: Path, **said: Any) -> Path:
    return docker_archive(place / "image.tar", TAR, **said)


def linked_around(place: Path) -> Path:
    files = {"config.json": b"{}"}
    return archive_of(place / "image.tar", files, {"manifest.json": "b", "b": "manifest.json"})


def link_out(place: Path) -> Path:
    return archive_of(place / "image.tar", {"a": b"{}"}, {"manifest.json": "../../../../etc/passwd"})


def linked_to(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


def large(path: Path) -> None:
    """1 TB without a block."""
    path.touch()
    os.truncate(path, 1 << 40)


LAYOUTS: dict[str, Row] = {
    "no index": (lambda place: layout(place).place, 3, "is no OCI layout"),
    "empty index": (lambda place: layout(place).offer(), 3, "it holds no image"),
    "index that is a pipe": (lambda place: replaced(place, "index", os.mkfifo), 3, "is no OCI layout"),
    "index without an end": (lambda place: replaced(place, "index", linked_to("/dev/zero")), 3, "is no OCI"),
    "index that is a folder": (lambda place: replaced(place, "index", Path.mkdir), 3, "is no OCI layout"),
    "index in a circle": (lambda place: replaced(place, "index", linked_to("index.json")), 3, "is no OCI"),
    "huge index": (lambda place: replaced(place, "index", large), 3, "larger than 4 MiB"),
    "nested index": (
        lambda place: replaced(place, "index", lambda p: p.write_bytes(NESTED)),
        3,
        "cannot be read",
    ),
    "index of nulls": (
        lambda place: replaced(
            place, "index", lambda p: p.write_bytes(b'{"schemaVersion":2,"manifests":null}')
        ),
        3,
        "cannot be read",
    ),
    "deep indexes": (lambda place: nested_indexes(place, 20), 3, "indexes in indexes"),
    "manifest that is a pipe": (lambda place: replaced(place, "manifest", os.mkfifo), 3, "is no file"),
    "manifest of somebody": (
        lambda place: replaced(place, "manifest", linked_to("/etc/passwd")),
        3,
        "is not what its name says",
    ),
    "manifest without an end": (
        lambda place: replaced(place, "manifest", linked_to("/dev/zero")),
        3,
        "is no file",
    ),
    "manifest of schema 1": (lambda place: document(place, {"schemaVersion": 1}), 3, "cannot be read"),
    "manifest that is no JSON": (
        lambda place: document(place, b"\xff\xfe"),
        3,
        "the manifest cannot be read",
    ),
    "artifact": (lambda place: document(place, {}, "application/x"), 3, "no container image"),
    "artifact with a long type": (
        lambda place: document(place, {}, f"{EVIL}{'x' * 1_000_000}"),
        3,
        "no container image",
    ),
    "digest that climbs": (
        lambda place: layout(place).offer(
            {"mediaType": MANIFEST, "size": 1, "digest": "sha256:../../../../etc/passwd"}
        ),
        3,
        "is not a digest",
    ),
    "no configuration": (lambda place: replaced(place, "config", lambda path: None), 3, "No such file"),
    "configuration that is no JSON": (
        lambda place: offered(place, config=b"#!/bin/sh"),
        3,
        "configuration cannot be read",
    ),
    "empty configuration": (lambda place: offered(place, config={}), 3, "configuration cannot be read"),
    "nested configuration": (lambda place: offered(place, config=NESTED), 3, "configuration cannot be read"),
    "configuration of 5 MB": (lambda place: offered(place, author="x" * 5_000_000), 3, "larger than 4 MiB"),
    "configuration of another's layers": (
        lambda place: offered(place, rootfs={"diff_ids": [digest_of(TAR)] * 2}),
        6,
        "1 layers, and its configuration 2",
    ),
    "digests that are none": (
        lambda place: offered(place, rootfs={"diff_ids": [EVIL * 10_000]}),
        3,
        "is not a digest",
    ),
    "Windows": (lambda place: offered(place, os="windows"), 6, "the image is for windows/amd64"),
    "a long system": (lambda place: offered(place, os=EVIL * 10_000), 6, "the image is for"),
    "10,000 layers": (many_layers, 3, "more than any engine takes"),
    "no layer": (lambda place: replaced(place, "layer", lambda path: None), 3, "No such file"),
    "layer that is another": (
        lambda place: replaced(place, "layer", lambda p: p.write_bytes(tar_of([entry("b")]))),
        6,
        "is not what its digest says",
    ),
    "layer with another content": (
        lambda place: offered(place, rootfs={"diff_ids": [digest_of(b"")]}),
        6,
        "not what the image's configuration says",
    ),
    "layer that is a pipe": (lambda place: replaced(place, "layer", os.mkfifo), 3, "is no file"),
    "layer of somebody": (
        lambda place: replaced(place, "layer", linked_to("/etc/passwd")),
        6,
        "it is no tar",
    ),
    "layer without an end": (lambda place: replaced(place, "layer", linked_to("/dev/zero")), 3, "is no file"),
    "no fitting platform": (
        lambda place: for_platforms(place, "s390x", "riscv64"),
        3,
        "the index has no image for linux/",
    ),
}

ARCHIVES: dict[str, Row] = {
    "nothing": (lambda place: archive_of(place / "image.tar", {}), 3, "neither index.json nor manifest.json"),
    "cut at once": (lambda place: cut(place, 0.0), 3, "it is empty"),
    "cut in the first header": (lambda place: cut(place, 0.0003), 3, "it is cut short"),
    "cut in the layer": (lambda place: cut(place, 0.5), 3, "it is cut short"),
    "cut near the end": (lambda place: cut(place, 0.98), 3, "it is cut short"),
    "gzip of all": (compressed, 3, "cannot be read"),
    "zstd of all": (lambda place: compressed(place, b"\x28\xb5\x2f\xfd"), 3, "cannot be read"),
    "xz of all": (lambda place: compressed(place, b"\xfd7zXZ\0"), 3, "cannot be read"),
    "no archive but a pipe": (lambda place: os.mkfifo(place / "image.tar"), 3, "is no file"),
    "no archive but a folder": (lambda place: (place / "image.tar").mkdir(), 3, "Is a directory"),
    "30,000 files": (lambda place: many_files(place, b"%d"), 3, "to more than 20000"),
    "climbing name": (lambda place: many_files(place, b"../%d"), 3, "climbs out"),
    "no image": (
        lambda place: archive_of(place / "image.tar", {"manifest.json": b"[]"}),
        3,
        "it holds no image",
    ),
    "nested": (lambda place: archive_of(place / "image.tar", {"manifest.json": NESTED}), 3, "cannot be read"),
    "config that climbs": (
        lambda place: saved(place, Config="../../etc/passwd"),
        3,
        "has no ../../etc/passwd",
    ),
    "config of this machine": (lambda place: saved(place, Config="/etc/passwd"), 3, "has no /etc/passwd"),
    "config of a long name": (lambda place: saved(place, Config="x" * 1_000_000), 3, "has no xxx"),
    "config that is a layer": (lambda place: saved(place, Config="layer.tar"), 3, "cannot be read"),
    "layer of this machine": (lambda place: saved(place, Layers=["/etc/passwd"]), 3, "has no /etc/passwd"),
    "layer that is the config": (lambda place: saved(place, Layers=["config.json"]), 6, "cut short"),
    "layers of another type": (lambda place: saved(place, Layers=[{}]), 3, "cannot be read"),
    "layers that are not known": (
        lambda place: saved(place, Layers=["layer.tar"] * 3),
        6,
        "3 layers, and its configuration 1",
    ),
    "tags that steer": (lambda place: saved(place, RepoTags=[EVIL]), 3, "has no image 'wanted'"),
    "links in a circle": (linked_around, 3, "neither index.json nor manifest.json"),
    "link to this machine": (link_out, 3, "neither index.json nor manifest.json"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_that_cannot_be_is_one_line(place: Path, name: str) -> None:
    make, code, says = LAYOUTS[name]
    make(place)
    refused(place, (code,), says, "inspect", "oci:layout")


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_cannot_be_is_one_line(place: Path, name: str) -> None:
    make, code, says = ARCHIVES[name]
    make(place)
    wanted = ":wanted" if name == "tags that steer" else ""
    refused(place, (code,), says, "inspect", f"docker-archive:image.tar{wanted}")


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_inspect_refuses_is_no_base_and_does_not_run(place: Path, name: str) -> None:
    LAYOUTS[name][0](place)
    (place / "app").write_bytes(Elf().bytes())
    refused(place, (5, 6), "", "pack", "app", "--base", "oci:layout", "-o", "oci:out")
    refused(place, (125,), "", "run", "oci:layout", "--engine", "sandbox")
