"""Shared libraries that only the project's own sources name: packages in, a reason for dynamic out."""

import os
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from ferrule.cargo.link import ALWAYS_THERE
from ferrule.cargo.metadata import Package, Workspace
from ferrule.cargo.program_files import ELSEWHERE, build_scripts, code_of, packages_in, program_files

OPENS = re.compile(r"\bdlopen\s*\(")
LINKS = re.compile(r"#\[link\(([^)]*)\)\]")
NAMES = re.compile(r'\bname\s*=\s*"([^"]+)"')
BRINGS = re.compile(r'\bkind\s*=\s*"(?:static|framework|raw-dylib)"')
ARGUMENT = re.compile(r"rustc-link-arg(?:-bins|-bin=[^=]*)?=-l([\w.+-]+)")
SYSTEM_FOLDERS = ("usr/lib", "usr/lib64", "usr/local/lib", "usr/lib/*-linux-*", "usr/*-linux-*/lib")


def objection_of_sources(
    workspace: Workspace, package: Package, binary: str, root: Path = Path("/")
) -> str | None:
    """Why the code of the workspace's packages in a program keeps it from being static, or None.

    By reading alone, so a `dlopen` that is never called counts too: dynamic always runs. A library counts
    where it is installed below `root`.
    """
    for path in _sources(workspace, package, binary):
        text = code_of(path)
        name = os.path.relpath(path, workspace.workspace_root)
        if OPENS.search(text):
            return f"{name} opens shared libraries at run time"
        libraries = _installed(text, root)
        if libraries:
            return f"{name} links the system's {' and '.join(libraries)}"
    return None


def libraries_of_sources(
    workspace: Workspace, package: Package, binary: str, root: Path = Path("/")
) -> tuple[str, ...]:
    """All libraries that the code names, as a linker does, where they are installed below `root`."""
    found = (_installed(code_of(path), root) for path in _sources(workspace, package, binary))
    return tuple(dict.fromkeys(library for libraries in found for library in libraries))


def _installed(text: str, root: Path) -> list[str]:
    return sorted({library for library in _linked(text) if _is_installed(library, root)})


def _linked(text: str) -> Iterator[str]:
    """The libraries that attributes, or arguments that a build script hands to the linker, name."""
    yield from ARGUMENT.findall(text)
    for match in LINKS.finditer(text):
        name = NAMES.search(match[1])
        if name and not BRINGS.search(match[1]) and not ELSEWHERE.search(_attributes_around(text, match)):
            yield name[1]


def _attributes_around(text: str, match: re.Match[str]) -> str:
    """The attributes of the same item, in lines of their own."""
    before, behind = text[: match.start()].splitlines()[::-1], text[match.end() :].splitlines()
    lines = (*takewhile(_is_attribute, before), *takewhile(_is_attribute, behind))
    return "\n".join(lines)


def _is_attribute(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#[")


def _is_installed(library: str, root: Path) -> bool:
    found = (place for folder in SYSTEM_FOLDERS for place in root.glob(f"{folder}/lib{library}.so"))
    return library not in ALWAYS_THERE and next(found, None) is not None


def _sources(workspace: Workspace, package: Package, binary: str) -> Iterator[Path]:
    """The program's files, and the build scripts that tell its linker what to do."""
    for own in packages_in(workspace, package):
        yield from build_scripts(own)
    yield from program_files(workspace, package, binary)
