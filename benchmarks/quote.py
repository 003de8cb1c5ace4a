"""Requests a second at `POST /quote`: ferrule's default binary beside the plain release build."""

import re
import subprocess  # noqa: TID251 - servers and wrk are measured as they are
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.rounds import medians, show
from tests.journey.ferrule import SHOP, ferrule, free_port, shop_variables, tool
from tests.journey.ferrule import ask as ask_service

SECONDS = 4
PLAIN = "cargo build --release"
CART = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{"items": [{"sku": "A-1", "quantity": 2, "unit_price_cents": 1250},
                        {"sku": "B-7", "quantity": 1, "unit_price_cents": 499},
                        {"sku": "C-3", "quantity": 12, "unit_price_cents": 89}], "discount_percent": 10}]]
"""


def run() -> None:
    """Build both, serve both, and let wrk ask them in turns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ferrule-bench-")))
        (folder / "quote.lua").write_text(CART)
        binaries = {
            PLAIN: plain(),
            "ferrule build": folder / "default",
            "ferrule build --optimize speed": folder / "speed",
        }
        ferrule("build", str(SHOP), "-o", f"binary:{folder / 'default'}")
        ferrule("build", str(SHOP), "--optimize", "speed", "-o", f"binary:{folder / 'speed'}")
        peers = {name: _server(stack, binary, folder / "quote.lua") for name, binary in binaries.items()}
        show("POST /quote", medians(peers), "requests/s", against=PLAIN)
        print(
            "  bytes: " + ", ".join(f"{name} {binary.stat().st_size:,}" for name, binary in binaries.items())
        )


def plain() -> Path:
    """What plain `cargo build --release` gives."""
    target = SHOP / "target" / "plain"
    tool(
        "cargo",
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        SHOP / "Cargo.toml",
        "--target-dir",
        target,
    )
    return target / "release" / "shop"


def _server(stack: ExitStack, binary: Path, script: Path) -> Callable[[], float]:
    port = free_port()
    env = shop_variables("postgres://nobody@127.0.0.1:1/none", port)
    server = stack.enter_context(subprocess.Popen((binary, "serve"), env=env, stdout=subprocess.DEVNULL))
    stack.callback(server.terminate)
    _wait(port)

    def measure() -> float:
        argv = ("wrk", "-t1", "-c32", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}/quote")
        said = tool(*argv)
        if "Non-2xx" in said:
            raise SystemExit(f"the service refuses the cart:\n{said}")
        found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
        assert found, said
        return float(found[1])

    return measure


def _wait(port: int) -> None:
    """Until the server answers at all; it has no database, so it is never healthy."""
    for _ in range(200):
        try:
            ask_service(port, "/nothing-here")
        except OSError:
            time.sleep(0.05)
        except ValueError:
            return
        else:
            return
    raise SystemExit("the service does not start")
