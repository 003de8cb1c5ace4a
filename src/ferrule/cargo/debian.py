"""Debian 12's packages for a build and for its program: crates go in, names of packages come out."""

from ferrule.cargo.graph import Graph
from ferrule.cargo.needs import system_libraries

FOR_THE_BUILD = {
    "openssl-sys": ("libssl-dev", "pkg-config"),
    "pq-sys": ("libpq-dev", "pkg-config"),
    "libsqlite3-sys": ("libsqlite3-dev", "pkg-config"),
    "libz-sys": ("pkg-config", "zlib1g-dev"),
    "mysqlclient-sys": ("default-libmysqlclient-dev", "pkg-config"),
    "curl-sys": ("libcurl4-openssl-dev", "pkg-config"),
    "rdkafka-sys": ("librdkafka-dev", "pkg-config"),
}
TO_RUN = {
    "openssl-sys": "libssl3",
    "pq-sys": "libpq5",
    "libsqlite3-sys": "libsqlite3-0",
    "libz-sys": "zlib1g",
    "mysqlclient-sys": "libmariadb3",
    "curl-sys": "libcurl4",
    "rdkafka-sys": "librdkafka1",
}
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


def packages_to_build(graph: Graph, locked: frozenset[str], rustflags: tuple[str, ...]) -> tuple[str, ...]:
    """Headers of what the program links, tools of build scripts, linkers that the project's flags name.

    `locked` are the crates of the lock file.
    """
    linked = (name for crate, _, _ in system_libraries(graph) for name in FOR_THE_BUILD[crate])
    tools = (name for crate, names in TOOLS.items() if crate in locked for name in names)
    linkers = (name for said, name in LINKERS.items() if any(said in flag for flag in rustflags))
    return tuple(sorted({*linked, *tools, *linkers}))


def packages_to_run(graph: Graph) -> tuple[str, ...]:
    """The shared libraries that the program links."""
    return tuple(sorted({TO_RUN[crate] for crate, _, _ in system_libraries(graph)}))
