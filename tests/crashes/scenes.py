"""The command lines that are killed: all ways out of `pack` and `build`, cold and over an old image."""

import subprocess  # noqa: TID251 - the command line itself prepares what it is killed in
from pathlib import Path

from tests.crashes.harness import FERRULE, NEW, Scene, write_data
from tests.parts.compile import compiled
from tests.projects import manifest, write_project

SAYS = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
TAKES_DATA = '[package.metadata.ferrule]\nfiles = [{ from = "data", to = "/data" }]\n'


def scenes(folder: Path, registry: str) -> tuple[Scene, ...]:
    """All of them; `registry` is the host of one that everybody may write to."""
    return tuple(
        scene
        for cold in (True, False)
        for scene in (
            pack_scene(folder, "layout", ("-o", "oci:out:v1"), ("out",), cold=cold),
            pack_scene(folder, "archive", ("-o", "docker-archive:image.tar"), ("image.tar",), cold=cold),
            push_scene(folder, registry, cold=cold),
            build_scene(folder, "default", (), ("project/target/ferrule/image",), cold=cold),
            build_scene(
                folder,
                "both",
                ("-o", "oci:out:v1", "-o", "docker-archive:image.tar"),
                ("out", "image.tar"),
                cold=cold,
            ),
        )
    )


def pack_scene(
    folder: Path, name: str, flags: tuple[str, ...], places: tuple[str, ...], *, cold: bool
) -> Scene:
    place = folder / f"pack-{name}-{'cold' if cold else 'warm'}"
    place.mkdir(parents=True)
    program = compiled(place, "hello.c", SAYS, "-static")
    (place / "data").write_bytes(b"")
    return Scene(
        name=f"pack {name}",
        folder=place,
        argv=(*FERRULE, "pack", str(program), "--file", "data:/data", *flags),
        places=("cache", *places, "tmp"),
        data=place / "data",
        cold=cold,
    )


def push_scene(folder: Path, registry: str, *, cold: bool) -> Scene:
    """The base is in the registry too, so that a cold run fetches as well."""
    name = f"{registry}/{'cold' if cold else 'warm'}"
    flags = ("--image", f"{name}/shop", "--push", "--base", f"{name}/base:latest")
    scene = pack_scene(folder, "push", flags, (), cold=cold)
    write_data(scene, NEW)
    base = (*FERRULE, "pack", "hello", "--file", "data:/below", "--image", f"{name}/base", "--push")
    subprocess.run(base, cwd=scene.folder, env=scene.env, check=True, capture_output=True)
    return scene


def build_scene(
    folder: Path, name: str, flags: tuple[str, ...], places: tuple[str, ...], *, cold: bool
) -> Scene:
    place = folder / f"build-{name}-{'cold' if cold else 'warm'}"
    write_project(place / "project", {"Cargo.toml": manifest(extra=TAKES_DATA), "data": ""})
    return Scene(
        name=f"build {name}",
        folder=place,
        argv=(*FERRULE, "build", "project", *flags),
        places=("cache", *places, "tmp"),
        data=place / "project" / "data",
        cold=cold,
    )
