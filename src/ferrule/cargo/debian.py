"""Debian 12's packages for a build and for its program: crates and libraries go in, names come out."""

from collections.abc import Iterable

from ferrule.cargo.graph import Graph
from ferrule.cargo.needs import system_libraries

LIBRARIES = {
    "crypto": ("libssl-dev", "libssl3"),
    "curl": ("libcurl4-openssl-dev", "libcurl4"),
    "lzma": ("liblzma-dev", "liblzma5"),
    "mysqlclient": ("default-libmysqlclient-dev", "libmariadb3"),
    "pq": ("libpq-dev", "libpq5"),
    "rdkafka": ("librdkafka-dev", "librdkafka1"),
    "sqlite3": ("libsqlite3-dev", "libsqlite3-0"),
    "ssl": ("libssl-dev", "libssl3"),
    "z": ("zlib1g-dev", "zlib1g"),
    "zstd": ("libzstd-dev", "libzstd1"),
}
"""Library, as a linker names it → the package to build with and the one to run with."""

TOOLS = {
    "bindgen": ("libclang-dev",),
    "cmake": ("cmake", "g++", "make"),
    "link-cplusplus": ("g++",),
    "openssl-src": ("make", "perl"),
    "prost-build": ("protobuf-compiler",),
    "tikv-jemalloc-sys": ("make",),
}
"""Crate in the lock file → what its build script may start. A package too many does no harm."""

LINKERS = {"fuse-ld=mold": "mold", "fuse-ld=lld": "lld", "linker=clang": "clang"}
"""How the project's own flags name a linker → its package."""


def libraries_of_crates(graph: Graph) -> tuple[str, ...]:
    """The system's libraries that crates link, as a linker names them."""
    return tuple(name for _, words, _ in system_libraries(graph) for name in words.split(" and "))


def packages_to_build(
    libraries: Iterable[str], locked: frozenset[str], rustflags: tuple[str, ...]
) -> tuple[str, ...]:
    """Headers of the libraries, tools of build scripts, linkers that the project's flags name.

    `locked` are the crates of the lock file.
    """
    headers = {LIBRARIES[name][0] for name in libraries if name in LIBRARIES}
    tools = (name for crate, names in TOOLS.items() if crate in locked for name in names)
    linkers = (name for said, name in LINKERS.items() if any(said in flag for flag in rustflags))
    return tuple(sorted({*headers, *(("pkg-config",) if headers else ()), *tools, *linkers}))


def packages_to_run(libraries: Iterable[str]) -> tuple[str, ...]:
    """The packages of the shared libraries, of those that are known."""
    return tuple(sorted({LIBRARIES[name][1] for name in libraries if name in LIBRARIES}))
