"""Requests a second at `POST /quote`: ferrule's default binary beside the plain release build."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.rounds import medians, show
from benchmarks.service import plain, serve
from tests.journey.ferrule import SHOP, ferrule

PLAIN = "cargo build --release"


def run() -> None:
    """Build both, serve both, and let wrk ask them in turns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferrule-bench-")))
        binaries = {
            PLAIN: plain(),
            "ferrule build": folder / "default",
            "ferrule build --optimize speed": folder / "speed",
        }
        ferrule("build", str(SHOP), "-o", f"binary:{folder / 'default'}")
        ferrule("build", str(SHOP), "--optimize", "speed", "-o", f"binary:{folder / 'speed'}")
        peers = {name: serve(stack, binary, folder).requests for name, binary in binaries.items()}
        show("POST /quote", medians(peers), "requests/s", against=PLAIN)
        print(
            "  bytes: " + ", ".join(f"{name} {binary.stat().st_size:,}" for name, binary in binaries.items())
        )
