"""Interleaved rounds: peers take turns, so that what else the machine does hits all of them."""

import statistics
from collections.abc import Callable, Mapping

ROUNDS = 7


def medians(peers: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median of each peer's figure over the rounds."""
    figures: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, measure in peers.items():
            figures[name].append(measure())
    return {name: statistics.median(values) for name, values in figures.items()}


def show(title: str, found: Mapping[str, float], unit: str, *, against: str) -> None:
    """Print every figure with its ratio to the peer."""
    print(f"\n{title} (median of {ROUNDS} interleaved rounds)")
    for name, value in found.items():
        print(f"  {name:<34} {value:>12,.1f} {unit}   {value / found[against]:.3f} x {against}")


def judge(name: str, ours: float, peer: float, *, target: float) -> None:
    """Print a ratio to a peer with the target beside it, and whether it is met."""
    verdict = "met" if ours <= target * peer else "NOT MET"
    print(f"  {ours / peer:.2f} x {name:<48} target <= {target:.2f}: {verdict}")


def judge_rate(name: str, ours: float, peer: float, *, target: float) -> None:
    """The same for figures of which more is better."""
    verdict = "met" if ours >= target * peer else "NOT MET"
    print(f"  {ours / peer:.2f} x {name:<48} target >= {target:.2f}: {verdict}")
