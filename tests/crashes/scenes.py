"""The command lines that are killed: all ways out of `pack` and `build`, cold and over an old image."""

import subprocess  # noqa: TID251 - the command line itself prepares what it is killed in
from dataclasses import replace
from pathlib import Path

from tests.cargo_projects import manifest, write_project
from tests.crashes.harness import FERRULE, NEW, Scene, write_data
from tests.parts.compile import compiled

SAYS = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
TAKES_DATA = '[package.metadata.ferrule]\nfiles = [{ from = "data", to = "/data" }]\n'


def scenes(folder: Path, registry: str) -> tuple[Scene, ...]:
    """All of them; `registry` is the host of one that everybody may write to."""
    both = ("-o", "oci:out:v1", "-o", "docker-archive:image.tar")
    warm = (
        pack_scene(folder, "layout", ("-o", "oci:out:v1"), ("out",)),
        pack_scene(folder, "archive", ("-o", "docker-archive:image.tar"), ("image.tar",)),
        push_scene(folder, registry),
        build_scene(folder, "default", (), ("project/target/ferrule/image",)),
        build_scene(folder, "both", both, ("out", "image.tar")),
    )
    return tuple(replace(scene, cold=cold) for scene in warm for cold in (True, False))


def pack_scene(folder: Path, name: str, flags: tuple[str, ...], places: tuple[str, ...]) -> Scene:
    place = folder / f"pack-{name}"
    place.mkdir(parents=True)
    program = compiled(place, "hello.c", SAYS, "-static")
    (place / "data").write_bytes(b"")
    return Scene(
        name=f"pack {name}",
        folder=place,
        argv=(*FERRULE, "pack", str(program), "--file", "data:/data", *flags),
        places=("cache", *places, "tmp"),
        data=place / "data",
        cold=False,
    )


def push_scene(folder: Path, registry: str) -> Scene:
    """The base is in the registry too, so that a cold run fetches as well."""
    flags = ("--image", f"{registry}/shop", "--push", "--base", f"{registry}/base:latest")
    scene = pack_scene(folder, "push", flags, ())
    write_data(scene, NEW)
    base = (*FERRULE, "pack", "hello", "--file", "data:/below", "--image", f"{registry}/base", "--push")
    subprocess.run(base, cwd=scene.folder, env=scene.env, check=True, capture_output=True)
    return scene


def build_scene(folder: Path, name: str, flags: tuple[str, ...], places: tuple[str, ...]) -> Scene:
    place = folder / f"build-{name}"
    write_project(place / "project", {"Cargo.toml": manifest(extra=TAKES_DATA), "data": ""})
    return Scene(
        name=f"build {name}",
        folder=place,
        argv=(*FERRULE, "build", "project", *flags),
        places=("cache", *places, "tmp"),
        data=place / "project" / "data",
        cold=False,
    )
