"""A stand-in for the image `rust:VERSION-slim-bookworm`: Debian's packages and this machine's Rust toolchain.

It holds what generated Dockerfiles rely on in the public image of that name: Debian 12, gcc with libc's
headers, CA roots, rustc and cargo, `rustup target add`. Made once for each version of Rust, in two minutes.
"""

import io
import subprocess  # noqa: TID251 - tar writes gigabytes, faster than Python does
import tarfile
from collections.abc import Iterator
from pathlib import Path

from tests.parts.bases import SUITE
from tests.parts.debian import CACHE, locked, mirror, run

PACKAGES = ("ca-certificates", "gcc", "libc6-dev")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""This machine's own: a network with a certificate authority of its own is no less a network."""
PLACE = "/usr/local/cargo/bin"
PATH = f"{PLACE}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TOOLCHAIN = "usr/local/rustup/toolchain"
RUSTUP = """\
#!/bin/sh
# In place of rustup: `rustup target add TRIPLE` is well where the toolchain has the target already.
set -e
test "$1 $2" = "target add"
ls "$(rustc --print sysroot)/lib/rustlib/$3/lib"/libstd-*.rlib >/dev/null
"""
DROP = ("doc", "info", "lintian", "locale", "man")


def rust_release() -> str:
    """The version of this machine's Rust, such as 1.95.0."""
    words = run("rustc", "--version").split()
    return words[1]


def rust_image_name() -> str:
    """What the Dockerfiles call it."""
    return f"docker.io/library/rust:{rust_release()}-slim-bookworm"


def rust_root() -> Path:
    """The files of the image as one tar, for `buildah add` and `docker import`."""
    place = CACHE / "bases" / f"rust-{rust_release()}.tar"
    with locked(place.name):
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}")
            _make(part)
            part.replace(place)
    return place


def _make(place: Path) -> None:
    rules = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in DROP]
    clean = 'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/*'
    roots = f"copy-in {CERTIFICATES} {Path(CERTIFICATES).parent}"
    hooks = (f"--customize-hook={clean}", f"--customize-hook={roots}")
    options = ("--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", *rules, *hooks)
    run("mmdebstrap", *options, SUITE, str(place), mirror())
    sysroot = Path(run("rustc", "--print", "sysroot").strip())
    parts = [str(path.relative_to(sysroot)) for path in _toolchain(sysroot)]
    renamed = ("--owner=0", "--group=0", f"--transform=flags=r;s,^,{TOOLCHAIN}/,")
    command = ("tar", "--append", f"--file={place}", f"--directory={sysroot}", *renamed, *parts)
    subprocess.run(command, check=True)
    with tarfile.open(place, "a") as tar:
        _add_commands(tar)


def borrowed_root(place: Path) -> Path:
    """A tar with next to nothing in it, for builds that see this machine's programs by `borrowed_volumes`.

    It is made in no time, where the whole image takes minutes; BuildKit has no such volumes.
    """
    with tarfile.open(place, "w") as tar:
        for name in ("etc", "tmp", "usr", "usr/local", "usr/local/cargo", PLACE[1:]):
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(info)
        for name in ("bin", "lib", "lib64", "sbin"):
            _add_link(tar, name, f"usr/{name}")
        tar.add(CERTIFICATES, CERTIFICATES[1:])
        _add_commands(tar)
    return place


def borrowed_volumes() -> tuple[str, ...]:
    """SOURCE:TARGET:OPTIONS for buildah: this machine's Debian, and its toolchain in the image's place."""
    sysroot = run("rustc", "--print", "sysroot").strip()
    folders = ("bin", "include", "lib", "lib64", "libexec", "sbin", "share")
    system = [f"/usr/{name}" for name in folders] + ["/etc/alternatives", "/etc/ld.so.cache"]
    return (*(f"{path}:{path}:ro" for path in system), f"{sysroot}:/{TOOLCHAIN}:ro")


def _add_commands(tar: tarfile.TarFile) -> None:
    for name in ("cargo", "rustc"):
        _add_link(tar, f"{PLACE[1:]}/{name}", f"/{TOOLCHAIN}/bin/{name}")
    info = tarfile.TarInfo(f"{PLACE[1:]}/rustup")
    info.mode, info.size = 0o755, len(RUSTUP)
    tar.addfile(info, io.BytesIO(RUSTUP.encode()))


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    tar.addfile(info)


def _toolchain(sysroot: Path) -> Iterator[Path]:
    """What compiles: no documentation, no formatter, no other tool."""
    yield from (sysroot / "bin" / name for name in ("cargo", "rustc"))
    yield from sorted((sysroot / "lib").glob("*.so*"))
    yield from sorted(path for path in (sysroot / "lib" / "rustlib").iterdir() if path.is_dir())
    if (sysroot / "libexec").is_dir():
        yield sysroot / "libexec"


if __name__ == "__main__":
    print(rust_root())
