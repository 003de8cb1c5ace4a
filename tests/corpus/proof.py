"""A project of tests/projects becomes an image, and the image proves itself: what was found comes out."""

import json
import os
import shutil
import socket
import subprocess  # noqa: TID251 - programs run beside the test, as a user would start them
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path, PurePosixPath

import msgspec

from tests.corpus.table import HERE, Expected
from tests.journey.ferrule import ROOT, ferrule, free_port
from tests.parts.debian import CACHE, locked

SOURCES = ROOT / "tests" / "projects"
FOLDER = (CACHE / "projects").resolve()
"""Each project is copied to the same place: cargo compiles a dependency once for all that have it."""

SETTINGS = {
    "CARGO_TARGET_DIR": str(FOLDER / "target"),
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
    "CARGO_PROFILE_RELEASE_STRIP": "symbols",
}
PATIENCE_SECONDS = 120.0
OF_THE_C_LIBRARY = ("ld-linux", "libc.so", "libgcc_s.so", "libm.so")
OF_ALL = ("/etc", "/usr/lib/os-release", "/usr/share/doc", "/var/lib/dpkg")
KINDS = {"/etc/ssl": "CA roots", "/usr/share/zoneinfo": "time zones", "/usr/lib/locale": "a locale"}
EMULATORS = {"linux/arm64": "qemu-aarch64-static"}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What came out. `plan` is what was announced: link mode, reason, base; `size` in bytes, compressed."""

    plan: tuple[str, str, str]
    link: str
    reason: str
    base: str
    beside: tuple[str, ...]
    size: int
    starts_alone: bool
    is_healthy: bool


def prove(expected: Expected) -> Found:
    """Plan, build, look into the image, run it. One at a time on a machine: they share a folder."""
    with locked("projects"):
        place = _copied(expected.name)
        # What an earlier ferrule has found out must not help this one.
        (FOLDER / "target" / "ferrule" / "link.json").unlink(missing_ok=True)
        layout = FOLDER / "layouts" / f"{expected.name}-{expected.platform.rpartition('/')[2]}"
        shutil.rmtree(layout, ignore_errors=True)
        flags = (str(place), "--optimize", "off", "--platform", expected.platform, "--json")
        plan = json.loads(ferrule("plan", *flags, env=SETTINGS))
        locked_flags = ("--locked",) if (place / "Cargo.lock").exists() else ()
        said = json.loads(ferrule("build", *flags, *locked_flags, "-o", f"oci:{layout}:it", env=SETTINGS))
        (image,) = said["images"]
        program = Path(image["binary"])
        return Found(
            plan=(plan["link"]["value"], plan["link"]["reason"], plan["base"]["value"]),
            link=image["link"]["mode"],
            reason=image["link"]["reason"],
            base=image["base"],
            beside=_beside(layout, program, place, expected.platform),
            size=image["size"]["compressed"],
            starts_alone=_starts_alone(program, expected.platform),
            is_healthy=_is_healthy(layout, program, expected.platform),
        )


def _copied(name: str) -> Path:
    """As it is committed. The times of the files stay, by which cargo tells what has changed."""
    place, ignored = FOLDER / "project", SOURCES / name / ".gitignore"
    left_out = ignored.read_text().split() if ignored.exists() else []
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(SOURCES / name, place, ignore=shutil.ignore_patterns("target", *left_out))
    return place


def _beside(layout: Path, program: Path, place: Path, platform: str) -> tuple[str, ...]:
    """What the image holds beside the program, the C library, and what all images have.

    Of the libraries those that the program itself asks for: what they ask for is the distribution's affair.
    """
    listed = json.loads(ferrule("inspect", f"oci:{layout}:it", "--platform", platform, "--files", "--json"))
    asked = _asked_for(program, place)
    found = set()
    for file in (file for file in listed["files"] if file["kind"] != "dir"):
        path = PurePosixPath(file["path"])
        kind = next((kind for folder, kind in KINDS.items() if path.is_relative_to(folder)), None)
        if kind is not None:
            found.add(kind)
        elif ".so" in path.name:
            found |= {path.name} & asked
        elif path.parts[1] == "app":
            found |= {path.parts[2]} - {program.name}
        elif not str(path).startswith(OF_ALL):
            found.add(str(path))
    return tuple(sorted(name for name in found if not name.startswith(OF_THE_C_LIBRARY)))


def _asked_for(program: Path, place: Path) -> set[str]:
    """The sonames in the program's headers, and those that the project says it opens."""
    headers = json.loads(ferrule("inspect", str(program), "--json"))
    linked = {each["name"] for each in headers["libraries"] if each["wanted_by"] == program.name}
    table = tomllib.loads((place / "Cargo.toml").read_text()).get("package", {}).get("metadata", {})
    return linked | {*table.get("ferrule", {}).get("libraries", ())}


def _is_healthy(layout: Path, program: Path, platform: str) -> bool:
    """Asked in the sandbox; a program for another processor runs in qemu, which the sandbox has none of."""
    port = free_port()
    if platform != HERE:
        with _alone(program, platform, port) as service:
            return _answers(service, port)
    argv = (sys.executable, "-m", "ferrule", "run", f"oci:{layout}:it", "--engine", "sandbox")
    with subprocess.Popen((*argv, "--network", "host", "-e", f"PORT={port}")) as service:
        try:
            return _answers(service, port) and service.wait(PATIENCE_SECONDS) == 0
        finally:
            service.kill()


def _answers(service: "subprocess.Popen[bytes]", port: int) -> bool:
    """Whether the health path answers with 200. The program is asked to end then."""
    if not _listens(service, port):
        return False
    answers = [_ask(port, path) for path in ("/health", "/quit")]
    print(answers[0][1])
    return answers[0][0] == 200


def _ask(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, HTTPException) as error:
        return 0, repr(error)
    finally:
        connection.close()


def _starts_alone(program: Path, platform: str) -> bool:
    """Whether it opens its port in a root with nothing in it but itself."""
    port = free_port()
    with _alone(program, platform, port) as service:
        return _listens(service, port)


@contextmanager
def _alone(program: Path, platform: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    root = FOLDER / "empty"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    shutil.copy2(program, root / "program")
    argv: tuple[str, ...] = ("/program",)
    if emulator := EMULATORS.get(platform):
        shutil.copy2(str(shutil.which(emulator)), root / "emulator")
        argv = ("/emulator", *argv)
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    with subprocess.Popen(
        ("unshare", *user, f"--root={root}", *argv), env={"PORT": str(port)}, stderr=subprocess.DEVNULL
    ) as service:
        try:
            yield service
        finally:
            service.kill()


def _listens(service: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while service.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.02)
    return False
