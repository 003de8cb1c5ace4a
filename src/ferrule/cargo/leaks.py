"""Paths of this machine that stayed in a finished binary, each with the crate that put it there."""

import mmap
import re
from pathlib import Path

import msgspec

from ferrule.cargo.plan import BuildPlan
from ferrule.folders import home_folder

MOST = 20
MIN_PARTS = 3
"""A folder such as / or /src is no secret and stands in many binaries by chance."""


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """A path found in the binary, and the crate it belongs to as far as the path tells."""

    path: str
    crate: str


def find_leaks(binary: Path, plan: BuildPlan) -> tuple[Leak, ...]:
    """At most twenty different paths under workspace, target folder, cargo's and the user's home."""
    places = (
        plan.project.workspace.workspace_root,
        plan.target_dir,
        plan.toolchain.cargo_home,
        plan.toolchain.sysroot,
        home_folder(),
    )
    wanted = sorted({str(place) for place in places if len(place.parts) >= MIN_PARTS})
    if not wanted or binary.stat().st_size == 0:
        return ()
    pattern = (
        b"(?:" + b"|".join(re.escape(place.encode()) for place in wanted) + rb")/[!#-&(-~]{0,200}"
    )  # up to a blank or a quote
    root = str(plan.project.workspace.workspace_root)
    if root in wanted:
        # Alone it is what `env!("CARGO_MANIFEST_DIR")` leaves: the rest of a path is joined later.
        pattern += b"|" + re.escape(root.encode())
    with binary.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = {match[0].decode("ascii", "replace") for match in re.finditer(pattern, content)}
    return tuple(Leak(path=path, crate=_crate(path)) for path in sorted(found)[:MOST])


def _crate(path: str) -> str:
    match = re.search(r"/registry/src/[^/]+/([^/]+)/", path) or re.search(
        r"/build/([^/]+)-[0-9a-f]{16}/", path
    )
    return match[1] if match else "the project itself"
