"""A loader and a tree of files go in; the folders come out that this loader looks in for libraries."""

import fnmatch
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from ferrule.elf.files import Files
from ferrule.elf.headers import Machine

MULTIARCH = {
    "amd64": "x86_64-linux-gnu",
    "386": "i386-linux-gnu",
    "arm64": "aarch64-linux-gnu",
    "arm": "arm-linux-gnueabihf",
    "riscv64": "riscv64-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "loong64": "loongarch64-linux-gnu",
    "mips64le": "mips64el-linux-gnuabi64",
}
"""Processor (Go's word) → the folder that Debian and Ubuntu keep its libraries in."""

MUSL_FOLDERS = (PurePosixPath("/lib"), PurePosixPath("/usr/local/lib"), PurePosixPath("/usr/lib"))
CACHE = PurePosixPath("/etc/ld.so.cache")
CONFIGURATION = PurePosixPath("/etc/ld.so.conf")
MAX_INCLUDES = 100
MAX_CONFIGURATION = 1 << 20
MAX_LOADER = 16 << 20
NAME = rb"[A-Za-z0-9_.+-]{1,128}/"
BUILT_IN = re.compile(rb"(?:/(?:%b){0,8}lib[A-Za-z0-9_]{0,16}/(?:%b)?\0){2,}" % (NAME, NAME))
"""glibc's loader holds its folders as one row of C strings, each with a slash at its end.

The bounds keep a file that is made of slashes from being searched for days.
"""


class Folders(msgspec.Struct, frozen=True, kw_only=True):
    """Where a loader looks when neither program nor library says, in its order.

    `configured` comes from the tree's configuration, `built_in` from the loader itself.
    """

    configured: tuple[PurePosixPath, ...]
    built_in: tuple[PurePosixPath, ...]
    is_musl: bool


def loader_folders(interpreter: str | None, machine: Machine, files: Files) -> Folders:
    """Ask the tree. A loader that is not there, or says nothing, is taken for Debian's or Fedora's."""
    loader = PurePosixPath(interpreter or "/")
    if loader.name.startswith("ld-musl-"):
        path_file = PurePosixPath("/etc", loader.name.partition(".so")[0] + ".path")
        own = tuple(_absolute(re.split(r"[:\n]", read_text(files, path_file))))
        return Folders(configured=own, built_in=() if own else MUSL_FOLDERS, is_musl=True)
    built_in = _built_in(files, loader) or _usual(machine)
    return Folders(configured=_configured(files), built_in=built_in, is_musl=False)


def expand(folder: str, origin: PurePosixPath, machine: Machine) -> Iterator[PurePosixPath]:
    """A folder of RPATH or RUNPATH with its `$ORIGIN`, `$LIB` and `$PLATFORM` filled in.

    `$LIB` differs by distribution, so there may be several. One relative to wherever the program is
    started from gives none.
    """
    multiarch = MULTIARCH.get(machine.architecture, "")
    wide = "lib64" if machine.bits == 64 else "lib"
    folder = _fill(_fill(folder, "ORIGIN", str(origin)), "PLATFORM", multiarch.partition("-")[0])
    for lib in dict.fromkeys((f"lib/{multiarch}", wide, "lib") if multiarch else (wide, "lib")):
        filled = _fill(folder, "LIB", lib)
        if filled.startswith("/") and "$" not in filled:
            yield _one_slash(filled)
        if filled == folder:
            return


def find_file(files: Files, path: PurePosixPath) -> PurePosixPath | None:
    """The real path, or None; also for names that no file system takes, and folders that we may not read."""
    try:
        return files.resolve(path)
    except (OSError, ValueError):
        return None


def read_text(files: Files, path: PurePosixPath) -> str:
    """A small text of the tree; empty when it is not there."""
    real = find_file(files, path)
    if real is None:
        return ""
    try:
        with files.open(real) as stream:
            return stream.read(MAX_CONFIGURATION).decode("utf-8", "replace")
    except OSError:
        return ""


def _fill(folder: str, name: str, value: str) -> str:
    return folder.replace(f"${{{name}}}", value).replace(f"${name}", value)


def _built_in(files: Files, loader: PurePosixPath) -> tuple[PurePosixPath, ...]:
    real = find_file(files, loader)
    if real is None:
        return ()
    try:
        with files.open(real) as stream:
            rows = BUILT_IN.findall(stream.read(MAX_LOADER))
    except OSError:
        return ()
    longest = max(rows, key=len, default=b"")
    return tuple(PurePosixPath(name.decode()) for name in longest.split(b"\0") if name)


def _usual(machine: Machine) -> tuple[PurePosixPath, ...]:
    multiarch = MULTIARCH.get(machine.architecture)
    names = [f"lib/{multiarch}", f"usr/lib/{multiarch}"] if multiarch else []
    names += ["lib64", "usr/lib64"] if machine.bits == 64 else []
    return tuple(PurePosixPath("/", name) for name in (*names, "lib", "usr/lib"))


def _configured(files: Files) -> tuple[PurePosixPath, ...]:
    """The loader reads the cache and never ld.so.conf: without a cache, its folders count for nothing."""
    if find_file(files, CACHE) is None:
        return ()
    return tuple(dict.fromkeys(_absolute(_lines(files, CONFIGURATION, set()))))


def _lines(files: Files, path: PurePosixPath, seen: set[PurePosixPath]) -> Iterator[str]:
    if path in seen or len(seen) > MAX_INCLUDES:
        return
    seen.add(path)
    for line in read_text(files, path).splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["include"]:
            for pattern in words[1:]:
                for included in _matching(files, path.parent / pattern):
                    yield from _lines(files, included, seen)
        elif words and words[0] != "hwcap":
            yield words[0].partition("=")[0]


def _matching(files: Files, pattern: PurePosixPath) -> Iterator[PurePosixPath]:
    """The files of a pattern whose last part alone has wildcards, as every distribution writes it."""
    try:
        names = files.names(pattern.parent)
    except (OSError, ValueError):
        return
    yield from (pattern.parent / name for name in names if fnmatch.fnmatchcase(name, pattern.name))


def _absolute(names: Iterator[str] | list[str]) -> Iterator[PurePosixPath]:
    yield from (_one_slash(name.strip()) for name in names if name.strip().startswith("/"))


def _one_slash(path: str) -> PurePosixPath:
    """Two slashes at the start are a path of their own in pathlib, and are none in Linux."""
    return PurePosixPath("/" + path.lstrip("/"))
