"""The second opinion: what binutils' readelf makes of a file, in the same words as `Binary`."""

import re
from pathlib import Path
from typing import Any

from ferrule.elf.facts import Binary, read_elf
from ferrule.process import Command, SystemRunner


def said_by_readelf(path: Path) -> dict[str, Any]:
    """The facts of a file that readelf prints."""
    argv = ("readelf", "-W", "-l", "-S", "-d", "-n", "-V", str(path))
    said = SystemRunner().run(Command(argv=argv)).stdout.decode()
    return {
        "needed": _tags("NEEDED", said),
        "soname": next(iter(_tags("SONAME", said)), None),
        "rpath": _folders(_tags("RPATH", said)),
        "runpath": _folders(_tags("RUNPATH", said)),
        "interpreter": next(iter(re.findall(r"program interpreter: (.*)\]", said)), None),
        "build_id": next(iter(re.findall(r"Build ID: (\w+)", said)), None),
        "versions": _versions(said),
        "defines": re.findall(r"Rev: 1 .* Name: (\S+)", said),
        "sections": [
            (name, int(size, 16), 0 if kind in ("NULL", "NOBITS") else int(size, 16))
            for name, kind, size in re.findall(
                r"^ +\[ *\d+\] (\S*) +(\S+) +[0-9a-f]{8,16} [0-9a-f]{6,} ([0-9a-f]{6,}) ", said, re.MULTILINE
            )
        ],
    }


def said_by_us(path: Path) -> dict[str, Any]:
    """The same facts, read by ferrule."""
    with path.open("rb") as stream:
        binary = read_elf(stream, str(path), path.stat().st_size)
    return {
        "needed": list(binary.needed),
        "soname": binary.soname,
        "rpath": list(binary.rpath),
        "runpath": list(binary.runpath),
        "interpreter": binary.interpreter,
        "build_id": binary.build_id,
        "versions": _sorted(binary),
        "defines": list(binary.defines),
        "sections": [(section.name, section.size, section.file_size) for section in binary.sections],
    }


def _tags(name: str, said: str) -> list[str]:
    return re.findall(rf"\({name}\) .*\[(.*)\]", said)


def _folders(values: list[str]) -> list[str]:
    return [folder for value in values for folder in value.split(":") if folder]


def _versions(said: str) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    library = ""
    for file, version in re.findall(r"File: (\S+)|Name: (\S+)  Flags: none", said):
        if file:
            library = file
        wanted.setdefault(library, []).extend([version] if version else [])
    return wanted


def _sorted(binary: Binary) -> dict[str, list[str]]:
    return {library: list(versions) for library, versions in binary.versions.items()}
