"""Debian's packages for the tests: a tool's name goes in, the path of a program comes out.

`python -m tests.parts.debian` prepares the machine: it installs what is missing of the ordinary packages
(where it may), and unpacks tools that only Debian's testing suite has into the project's cache. The
machine's package sources stay as they are.
"""

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ferrule.errors import FerruleError
from ferrule.process import Command, SystemRunner

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "parts"
"""What tests download or make once; kept between runs."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NEWER = "forky"
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
PACKAGES = (
    "apache2-utils",
    "binutils",
    "buildah",
    "catatonit",
    "curl",
    "docker-registry",
    "docker.io",
    "file",
    "g++",
    "gcc",
    "gcc-aarch64-linux-gnu",
    "iproute2",
    "iptables",
    "libc6-dev",
    "libc6-dev-arm64-cross",
    "libcap2-bin",
    "libpq-dev",
    "libssl-dev",
    "make",
    "mmdebstrap",
    "perl",
    "pkgconf",
    "podman",
    "protobuf-compiler",
    "qemu-user-static",
    "rpm",
    "runc",
    "skopeo",
    "strace",
    "systemd",
    "umoci",
    "wrk",
    "zlib1g-dev",
)
TOOLS = {
    "crane": ("crane",),
    "docker-buildx": ("docker-buildx",),
    "docker-compose": ("docker-compose",),
    "dockerd": ("docker.io", "docker-cli", "containerd"),
    "kubectl": ("kubectl",),
    "quadlet": ("podman",),
}
"""Program → the packages of the testing suite that it consists of; the first one names the folder."""

ARM64 = {"ninja": ("ninja-build",)}
"""A small program of C++ for another processor → the packages that it consists of."""

STABLE = "bookworm"
BINARY_FOLDERS = ("usr/bin", "usr/sbin", "usr/libexec/podman", "usr/libexec/docker/cli-plugins")


def debian_tool(program: str) -> Path:
    """A program of the testing suite, unpacked once into the cache. Raises `FerruleError` without apt."""
    return _unpacked(program, TOOLS[program], CACHE / "tools", suite=NEWER)


def arm64_program(program: str) -> Path:
    """A dynamic program for arm64, unpacked once into the cache as well."""
    return _unpacked(program, ARM64[program], CACHE / "arm64", suite=STABLE, arch="arm64")


def _unpacked(
    program: str, packages: tuple[str, ...], folder: Path, *, suite: str, arch: str | None = None
) -> Path:
    place = folder / packages[0]
    if not place.exists():
        with locked(f"{folder.name}-{place.name}"):
            if not place.exists():
                _unpack(packages, place, suite=suite, arch=arch)
    return next(path for folder in BINARY_FOLDERS if (path := place / folder / program).exists())


def install() -> tuple[str, ...]:
    """Install the ordinary packages that are missing; returns their names.

    Raises `FerruleError` that names them where apt or the right to use it is missing too.
    """
    missing = missing_packages()
    if not missing:
        return ()
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise FerruleError(
            f"missing for the tests: {' '.join(missing)}",
            hint=f"apt-get install {' '.join(missing)}, or run as root on Debian",
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "-qq", "update")
    run("apt-get", "-qq", "-y", "--no-install-recommends", "install", *missing, env=quiet)
    return missing


def missing_packages() -> tuple[str, ...]:
    """Those of the ordinary packages that this machine does not have."""
    if shutil.which("dpkg-query") is None:
        return PACKAGES
    form = "${Package} ${db:Status-Status}\n"
    # dpkg-query fails when one name is unknown, and still answers for the others.
    answer = SystemRunner().run(Command(argv=("dpkg-query", "-W", "-f", form, *PACKAGES)))
    installed = set(answer.stdout.decode().split("\n"))
    return tuple(name for name in PACKAGES if f"{name} installed" not in installed)


def run(*argv: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program of this machine and return its stdout; a failure is a `FerruleError` with its words."""
    finished = SystemRunner().run(Command(argv=argv, cwd=cwd, env=env or {}))
    if not finished.ok:
        said = (finished.stderr or finished.stdout).decode(errors="replace").strip()
        raise FerruleError(f"{' '.join(argv[:2])} failed: {said}")
    return finished.stdout.decode()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One process at a time makes a part of the cache; the others wait and then find it."""
    folder = CACHE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def download(folder: Path, *, suite: str, arch: str, packages: tuple[str, ...]) -> tuple[Path, ...]:
    """Packages of any suite and architecture as .deb files in `folder`, through an apt set up in there."""
    debs = folder / "debs"
    for sub in ("lists/partial", "cache/archives/partial", "debs"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [arch={arch} signed-by={KEYRING}] {mirror()} {suite} main\n")
    settings = {
        "APT::Architecture": arch,
        "APT::Architectures": arch,
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
        "Dir::Cache": str(folder / "cache"),
        "Dir::Etc::sourcelist": str(sources),
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": str(folder / "lists"),
        "Dir::State::status": "/dev/null",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    run("apt-get", "-qq", *options, "update")
    run("apt-get", "-qq", *options, "download", *packages, cwd=debs)
    return tuple(sorted(debs.glob("*.deb")))


def mirror() -> str:
    """The Debian mirror that this machine uses already."""
    for file in SOURCES:
        text = file.read_text() if file.exists() else ""
        if match := re.search(r"^(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(http\S+)", text, re.MULTILINE):
            return match[1]
    raise FerruleError("no Debian mirror in this machine's apt sources", hint="the tests' tools are Debian's")


def _unpack(packages: tuple[str, ...], place: Path, *, suite: str, arch: str | None) -> None:
    """For this machine's processor where no other is named."""
    work = place.with_name(f".{place.name}")
    shutil.rmtree(work, ignore_errors=True)
    arch = arch or run("dpkg", "--print-architecture").strip()
    for deb in download(work, suite=suite, arch=arch, packages=packages):
        run("dpkg-deb", "-x", str(deb), str(work / "root"))
    (work / "root").replace(place)
    shutil.rmtree(work)


def main() -> int:
    """Prepare everything, and say one line for each thing done."""
    try:
        for name in install():
            print(f"installed {name}")
        for program in TOOLS:
            if not (CACHE / "tools" / TOOLS[program][0]).exists():
                print(f"unpacked {debian_tool(program)}")
    except FerruleError as error:
        print(f"{error}; {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
