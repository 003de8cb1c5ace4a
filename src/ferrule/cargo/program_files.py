"""The Rust files that a program is made of: its package's, and those of the workspace's packages below it."""

import re
from collections.abc import Iterator
from pathlib import Path

from ferrule.cargo.metadata import Package, Workspace

COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
ELSEWHERE = re.compile(r"windows|macos|apple|\bios\b|wasm|msvc")
"""In a condition: what stands behind it is not for Linux."""


def program_files(workspace: Workspace, package: Package, binary: str) -> Iterator[Path]:
    """Without those of the package's other binaries, and without build scripts, which run elsewhere.

    A binary such as `src/bin/tool/main.rs` has its folder with it.
    """
    for own in packages_in(workspace, package):
        others = {
            target.src_path
            for target in own.targets
            if "bin" in target.kind and not (own is package and target.name == binary)
        }
        others |= set(build_scripts(own))
        others |= {
            path.parent for path in others if path.name == "main.rs" and path.parent.parent.name == "bin"
        }
        inside = (path for path in sorted((own.folder / "src").rglob("*.rs")) if path.is_file())
        yield from (path for path in inside if others.isdisjoint((path, *path.parents)))


def code_of(path: Path) -> str:
    """A file's text without lines that are comments; what is no UTF-8 in it is replaced."""
    return COMMENT.sub("", path.read_text(encoding="utf-8", errors="replace"))


def build_scripts(package: Package) -> tuple[Path, ...]:
    """The package's build script, if it has one."""
    return tuple(target.src_path for target in package.targets if "custom-build" in target.kind)


def packages_in(workspace: Workspace, package: Package) -> Iterator[Package]:
    """The package and the members of the workspace that it depends on; procedural macros run elsewhere."""
    by_folder = {member.folder: member for member in workspace.packages}
    waiting, seen = [package], {package.id}
    while waiting:
        current = waiting.pop(0)
        yield current
        for dependency in current.dependencies:
            member = by_folder.get(dependency.path) if dependency.path else None
            if (
                member is not None
                and member.id not in seen
                and dependency.kind is None
                and not ELSEWHERE.search(dependency.target or "")
                and not any("proc-macro" in target.kind for target in member.targets)
            ):
                seen.add(member.id)
                waiting.append(member)
