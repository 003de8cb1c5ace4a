"""Allocators at `POST /quote`, JSON in and out: requests a second, and the memory that they take for it.

The plain release build, ferrule's static program with glibc's allocator and with mimalloc, and the musl
program with musl's own allocator, as rustup's target gives it, and with the one that ferrule links.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.rounds import judge_rate, medians, show
from benchmarks.service import plain, serve
from tests.journey.ferrule import SHOP, ferrule

PLAIN = "cargo build --release"
VARIANTS = {
    "static glibc": ("--link", "static"),
    "static glibc + mimalloc": ("--link", "static", "--allocator", "mimalloc"),
    "musl, its own allocator": ("--link", "musl", "--allocator", "system"),
    "musl, ferrule's default": ("--link", "musl"),
}


def run() -> None:
    """Build all, serve all, and let wrk ask them in turns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferrule-bench-")))
        binaries = {PLAIN: plain(), **{name: folder / name for name in VARIANTS}}
        for name, flags in VARIANTS.items():
            ferrule("build", str(SHOP), *flags, "-o", f"binary:{binaries[name]}")
        servers = {name: serve(stack, binary, folder) for name, binary in binaries.items()}
        found = medians({name: server.requests for name, server in servers.items()})
        show("POST /quote", found, "requests/s", against=PLAIN)
        for name, server in servers.items():
            print(f"  {name:<34} {server.peak():>12,.1f} MB at most, {binaries[name].stat().st_size:,} bytes")
    judge_rate(
        "musl's own allocator", found["musl, ferrule's default"], found["musl, its own allocator"], target=3.0
    )
    judge_rate("static glibc without", found["static glibc + mimalloc"], found["static glibc"], target=1.25)
