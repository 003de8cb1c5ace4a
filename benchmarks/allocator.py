"""Allocators at `POST /quote`, JSON in and out: requests a second, and the memory that they take for it.

The plain release build, ferrule's static program with glibc's allocator and with mimalloc, and the musl
program with musl's own allocator, as rustup's target gives it, and with the one that ferrule links. The cart
is a wholesaler's: sixty items with attributes, which the service reads into maps and writes back, 14 KB. A
small cart is little work for an allocator, and shows little of it; so it is asked too, and not judged.

The machine is to do nothing else meanwhile: musl's one lock is fought over only where threads run at once.
"""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.rounds import judge_rate, medians, show
from benchmarks.service import SECONDS, SMALL_CART, Server, plain, serve
from tests.journey.ferrule import SHOP, ferrule

PLAIN = "cargo build --release"
GLIBC, GLIBC_MIMALLOC = "static glibc", "static glibc + mimalloc"
MUSL_SYSTEM, MUSL = "musl, its own allocator", "musl, ferrule's default"
VARIANTS = {
    GLIBC: ("--link", "static"),
    GLIBC_MIMALLOC: ("--link", "static", "--allocator", "mimalloc"),
    MUSL_SYSTEM: ("--link", "musl", "--allocator", "system"),
    MUSL: ("--link", "musl"),
}
ATTRIBUTES = {
    "colour": "blue",
    "size": "M",
    "engraving": "For Ada, with thanks",
    "gift": True,
    "parts": [{"sku": "B-7", "finish": "matt"}, {"sku": "C-3", "finish": "gloss"}],
}
LARGE_CART = {
    "items": [
        {"sku": f"A-{number}", "quantity": number, "unit_price_cents": 1250, "attributes": ATTRIBUTES}
        for number in range(1, 61)
    ],
    "discount_percent": 10,
}


def run() -> None:
    """Build all, serve all, and let wrk ask them in turns."""
    with tempfile.TemporaryDirectory(prefix="ferrule-bench-") as place:
        folder = Path(place)
        binaries = {PLAIN: plain(), **{name: folder / name for name in VARIANTS}}
        for name, flags in VARIANTS.items():
            ferrule("build", str(SHOP), "--locked", *flags, "-o", f"binary:{binaries[name]}")
        _asked("a small cart", binaries, SMALL_CART, folder)
        found = _asked("a large cart", binaries, LARGE_CART, folder)
    judge_rate("musl's own allocator", found[MUSL], found[MUSL_SYSTEM], target=3.0)
    judge_rate("the plain release build", found[MUSL], found[PLAIN], target=0.9)
    judge_rate("static glibc without", found[GLIBC_MIMALLOC], found[GLIBC], target=1.25)


def _asked(
    title: str, binaries: Mapping[str, Path], cart: Mapping[str, object], folder: Path
) -> dict[str, float]:
    """Requests a second of each, shown with the CPU time of a request, peak memory and the program's size."""
    with ExitStack() as stack:
        servers = {name: serve(stack, binary, folder, cart) for name, binary in binaries.items()}
        used: dict[str, list[float]] = {name: [] for name in servers}
        found = medians({name: _measure(server, used[name]) for name, server in servers.items()})
        show(f"POST /quote, {title}", found, "requests/s", against=PLAIN)
        for name, server in servers.items():
            taken, size = median(used[name]), binaries[name].stat().st_size
            print(
                f"  {name:<34} {taken:>8.1f} µs of CPU each, {server.peak():.1f} MB at most, {size:,} bytes"
            )
    return found


def _measure(server: Server, used: list[float]) -> Callable[[], float]:
    def measure() -> float:
        before = server.seconds()
        rate = server.requests()
        used.append((server.seconds() - before) / (rate * SECONDS) * 1e6)
        return rate

    return measure
