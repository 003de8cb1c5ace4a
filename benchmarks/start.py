"""How long `ferrule --help` takes beside the bare import of click."""

import subprocess  # noqa: TID251 - whole processes are measured
import sys
import time
from collections.abc import Callable

from benchmarks.rounds import medians, show

RUNS = 5


def run() -> None:
    """Print milliseconds and the ratio."""
    click = (sys.executable, "-c", "import click")
    help_ = (sys.executable, "-m", "ferrule", "--help")
    found = medians({"python -c 'import click'": _timer(click), "ferrule --help": _timer(help_)})
    show("start", found, "ms", against="python -c 'import click'")


def _timer(argv: tuple[str, ...]) -> Callable[[], float]:
    def measure() -> float:
        started = time.perf_counter()
        for _ in range(RUNS):
            subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        return (time.perf_counter() - started) / RUNS * 1000

    return measure
