"""Symbolic links followed inside a tree: a path and a way to read links go in, the real path comes out."""

from collections.abc import Callable
from pathlib import PurePosixPath

MAX_LINKS = 40
"""As the kernel has it: more links than this on one path are a loop."""

ROOT = PurePosixPath("/")


def follow(path: PurePosixPath, link_at: Callable[[PurePosixPath], str | None]) -> PurePosixPath | None:
    """The path with every link on the way replaced, never above the root of the tree; None for a loop.

    `link_at` gives what the link at a path says, or None where there is none. Nothing has to exist.
    """
    real, links = ROOT, 0
    parts = list(reversed(_pieces(path)))
    while parts:
        part = parts.pop()
        if part == "..":
            real = real.parent
            continue
        says = link_at(real / part)
        if says is None:
            real = real / part
            continue
        links += 1
        if links > MAX_LINKS:
            return None
        target = PurePosixPath(says)
        real = ROOT if target.is_absolute() else real
        parts.extend(reversed(_pieces(target)))
    return real


def _pieces(path: PurePosixPath) -> list[str]:
    """The names on a path; pathlib keeps the root as a piece, also in its odd form of two slashes."""
    return [piece for piece in path.parts if piece.strip("/")]
