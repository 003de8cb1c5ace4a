"""The example as a server under load: a binary in, requests a second, CPU time and peak memory out."""

import json
import os
import re
import subprocess  # noqa: TID251 - servers and wrk are measured as they are
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.journey.ferrule import SHOP, free_port, shop_variables, tool
from tests.journey.ferrule import ask as ask_service

SECONDS = 4
CONNECTIONS = 32
SMALL_CART = {
    "items": [
        {"sku": "A-1", "quantity": 2, "unit_price_cents": 1250},
        {"sku": "B-7", "quantity": 1, "unit_price_cents": 499},
        {"sku": "C-3", "quantity": 12, "unit_price_cents": 89},
    ],
    "discount_percent": 10,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A running example without a database, which `POST /quote` does not ask."""

    port: int
    pid: int
    script: Path

    def requests(self) -> float:
        """Requests a second at `POST /quote`, JSON in and out, from 32 connections."""
        url = f"http://127.0.0.1:{self.port}/quote"
        said = tool("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", self.script, url)
        if "Non-2xx" in said:
            raise SystemExit(f"the service refuses the cart:\n{said}")
        found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
        assert found, said
        return float(found[1])

    def seconds(self) -> float:
        """CPU time that the server has used so far."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self) -> float:
        """The most memory that was ever resident, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found, status
        return int(found[1]) * 1024 / 1e6


def serve(stack: ExitStack, binary: Path, folder: Path, cart: Mapping[str, object] = SMALL_CART) -> Server:
    """Start a binary of the example, to be asked what the cart costs; it ends with the stack."""
    script = folder / "quote.lua"
    body = json.dumps(cart)
    script.write_text(
        f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[{body}]==]\n'
    )
    port = free_port()
    env = shop_variables("postgres://nobody@127.0.0.1:1/none", port)
    server = stack.enter_context(subprocess.Popen((binary, "serve"), env=env, stdout=subprocess.DEVNULL))
    stack.callback(server.terminate)
    _wait(port)
    return Server(port=port, pid=server.pid, script=script)


def plain() -> Path:
    """What plain `cargo build --release` gives."""
    target = SHOP / "target" / "plain"
    manifest = ("--manifest-path", SHOP / "Cargo.toml", "--target-dir", target)
    tool("cargo", "build", "--release", "--locked", *manifest)
    return target / "release" / "shop"


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
