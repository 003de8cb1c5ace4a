"""Package managers' files, written by hand: packages go in, the paths and contents of a donor come out."""

import sqlite3
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fakes.trees import Content

STANZA = """\
Package: {name}
Status: install ok installed
Priority: optional
Architecture: {arch}
Version: {version}
Conffiles:
 /etc/{name}.conf 0123
Description: the package {name}
 More about it.
"""
INFO = "/var/lib/dpkg/info"
STRING, STRINGS, INT32 = 6, 8, 4


def dpkg(packages: Mapping[str, tuple[str, ...]], *, version: str = "1.0-1") -> dict[str, Content]:
    """dpkg's files for `name[:arch]` → files, under the one spelling that dpkg has."""
    stanzas = []
    files: dict[str, Content] = {}
    for owner, paths in packages.items():
        name, _, arch = owner.partition(":")
        stanzas.append(STANZA.format(name=name, arch=arch or "all", version=version))
        files[f"{INFO}/{owner}.list"] = "".join(f"{path}\n" for path in ("/.", *paths)).encode()
        files[f"{INFO}/{owner}.md5sums"] = "".join(f"0123  {path[1:]}\n" for path in paths).encode()
    return {"/var/lib/dpkg/status": "\n".join(stanzas).encode(), **files}


def distroless(packages: Mapping[str, tuple[str, ...]], *, version: str = "1.0-1") -> dict[str, Content]:
    """The same as distroless images have it."""
    files: dict[str, Content] = {}
    for name, paths in packages.items():
        place = f"/var/lib/dpkg/status.d/{name}"
        files[place] = f"Package: {name}\nArchitecture: amd64\nVersion: {version}\n".encode()
        files[f"{place}.md5sums"] = "".join(f"0123  {path[1:]}\n" for path in paths).encode()
    return files


def apk(packages: Mapping[str, tuple[str, ...]]) -> bytes:
    """apk's list of what is installed, by its documented form."""
    return "".join(f"{apk_stanza(name, paths)}\n\n" for name, paths in packages.items()).encode()


def apk_stanza(name: str, paths: tuple[str, ...]) -> str:
    lines = [f"P:{name}", "V:1.2.5-r0", "A:x86_64", "L:MIT"]
    for path in paths:
        folder, _, file = path.lstrip("/").rpartition("/")
        lines += [f"F:{folder}", f"R:{file}", "Z:Q1abc="]
    return "\n".join(lines)


def rpm_header(name: str, paths: tuple[str, ...], *, epoch: int | None = None) -> bytes:
    """A header as rpm keeps it in its database."""
    folders = sorted({path.rpartition("/")[0] + "/" for path in paths})
    indexes = [folders.index(path.rpartition("/")[0] + "/") for path in paths]
    values: list[tuple[int, int, Any]] = [(1000, STRING, [name]), (1001, STRING, ["2.34"])]
    values += [(1002, STRING, ["100.el9"])] + ([(1003, INT32, [epoch])] if epoch is not None else [])
    values += [(1116, INT32, indexes), (1117, STRINGS, [path.rpartition("/")[2] for path in paths])]
    values += [(1118, STRINGS, folders)]
    entries, data = b"", b""
    for tag, kind, items in values:
        entries += struct.pack(">IIII", tag, kind, len(data), len(items))
        raw = (struct.pack(">I", item) if kind == INT32 else f"{item}\0".encode() for item in items)
        data += b"".join(raw)
        data += bytes(-len(data) % 4)
    return struct.pack(">II", len(values), len(data)) + entries + data


def rpm_database(place: Path, headers: list[bytes]) -> bytes:
    """The database with the headers in it, and one of its indexes. `place` is a file that may be made."""
    with sqlite3.connect(place) as connection:
        connection.execute(
            "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
        )
        connection.execute("CREATE TABLE 'Name' (key TEXT, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
        for number, header in enumerate(headers, 1):
            connection.execute("INSERT INTO Packages VALUES (?, ?)", (number, header))
            connection.execute("INSERT INTO Name VALUES (?, ?, 0)", (f"package {number}", number))
    connection.close()
    return place.read_bytes()
