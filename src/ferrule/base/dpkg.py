"""dpkg's files go in, the records of packages come out: Debian's, Ubuntu's, and distroless images'.

The form in the image is distroless': a file per package in /var/lib/dpkg/status.d, with the checksums beside
it. A donor has either that form or dpkg's own, a list of files for each package beside one status file.
"""

import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from ferrule.base.entry import FileEntry
from ferrule.base.owned import Owned, Places, content_of, copied, spelled, spellings, written
from ferrule.elf.files import Files
from ferrule.elf.search import find_file

ADMIN = PurePosixPath("/var/lib/dpkg")
INFO, PARTS = ADMIN / "info", ADMIN / "status.d"
DOC = PurePosixPath("/usr/share/doc")
SUMS, LIST = ".md5sums", ".list"

INSTALLATION = ("Status", "Conffiles", "Config-Version")
"""Fields that are about one machine's installation and not about the package."""


class _Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package that owns something. `sums` are the lines of its `.md5sums`."""

    stanza: str
    places: frozenset[PurePosixPath]
    sums: str


def dpkg_records(places: Places, files: Files) -> Owned:
    """One status file and one list of checksums for each package, and its licence."""
    packages = (*_installed(places, files), *_parts(places, files))
    return Owned(
        places=frozenset(place for package in packages for place in package.places),
        names=tuple(f"{_field(one.stanza, 'Package')} {_field(one.stanza, 'Version')}" for one in packages),
        entries=tuple(entry for package in packages for entry in _entries(package, places, files)),
    )


def _entries(package: _Package, places: Places, files: Files) -> Iterator[FileEntry]:
    name = _field(package.stanza, "Package")
    yield written(PARTS / name, _without(package.stanza, INSTALLATION))
    yield written(PARTS / f"{name}{SUMS}", _checksums(package, places))
    yield from copied(files, [DOC / name / "copyright"])


def _checksums(package: _Package, places: Places) -> str:
    """dpkg's own sums, of the files that are in the image and under their places there."""
    sums = dict(_sums(package.sums))
    lines = (
        f"{sums[str(path)]}  {str(place).lstrip('/')}\n"
        for place in sorted(package.places)
        for path in spellings(places[place])
        if str(path) in sums
    )
    return "".join(dict.fromkeys(lines))


def _installed(places: Places, files: Files) -> Iterator[_Package]:
    """Packages that dpkg itself put there."""
    owners = _owners(places, files)
    stanzas = dict(_stanzas(_text(files, ADMIN / "status"))) if owners else {}
    for owner, owned in sorted(owners.items()):
        if owner in stanzas:
            sums = _text(files, INFO / f"{owner}{SUMS}")
            yield _Package(stanza=stanzas[owner], places=owned, sums=sums)


def _owners(places: Places, files: Files) -> dict[str, frozenset[PurePosixPath]]:
    """`libc6:amd64` or `libc-bin` → what it owns; the first of several owners counts."""
    known = spelled(places)
    diverted = _diversions(files)
    wanted = {
        os.fsencode(path) for path in (*known, *(path for path in diverted if diverted[path][0] in known))
    }
    owners: dict[PurePosixPath, str] = {}
    for owner, paths in _lists(files):
        for listed in map(os.fsdecode, wanted.intersection(paths)):
            to, by = diverted.get(listed, (listed, ""))
            path = listed if by == owner.partition(":")[0] else to
            if path in known:
                owners.setdefault(known[path], owner)
    return {
        owner: frozenset(place for place, of in owners.items() if of == owner)
        for owner in dict.fromkeys(owners.values())
    }


def _lists(files: Files) -> Iterator[tuple[str, list[bytes]]]:
    """Owner and paths of each list. There are a thousand, in one folder: its links are followed once."""
    names = [name for name in files.names(INFO) if name.endswith(LIST)]
    first = find_file(files, INFO / names[0]) if names else None
    if first is None:
        return
    for name in names:
        try:
            with files.open(first.parent / name) as stream:
                yield name.removesuffix(LIST), stream.read().split(b"\n")
        except OSError:
            continue


def _diversions(files: Files) -> dict[str, tuple[str, str]]:
    """Path → where every other package's file went, and the package whose own file stays."""
    lines = _text(files, ADMIN / "diversions").split("\n")
    return {path: (to, by) for path, to, by in zip(lines[0::3], lines[1::3], lines[2::3], strict=False)}


def _parts(places: Places, files: Files) -> Iterator[_Package]:
    """Packages of a distroless image; they have no lists, and their checksums name all of their files."""
    known = spelled(places)
    for name in files.names(PARTS):
        if name.endswith(SUMS):
            continue
        sums = _text(files, PARTS / f"{name}{SUMS}")
        owned = frozenset(known[path] for path, _ in _sums(sums) if path in known)
        stanza = _text(files, PARTS / name).strip("\n")
        if owned and _field(stanza, "Package"):
            yield _Package(stanza=stanza, places=owned, sums=sums)


def _sums(text: str) -> Iterator[tuple[str, str]]:
    """Absolute path → checksum, of lines such as `0123…  lib/x86_64-linux-gnu/libc.so.6`."""
    for line in text.splitlines():
        checksum, _, path = line.partition("  ")
        yield f"/{path}", checksum


def _stanzas(status: str) -> Iterator[tuple[str, str]]:
    """By name, as lists are named: with the processor for packages of which there may be several."""
    for stanza in status.split("\n\n"):
        name = _field(stanza, "Package")
        yield f"{name}:{_field(stanza, 'Architecture')}", stanza
        yield name, stanza


def _text(files: Files, path: PurePosixPath) -> str:
    return (content_of(files, path) or b"").decode("utf-8", "replace")


def _field(stanza: str, name: str) -> str:
    match = re.search(rf"^{name}: *(.*)$", stanza, re.MULTILINE)
    return match[1].strip() if match else ""


def _without(stanza: str, names: tuple[str, ...]) -> str:
    """The stanza without some fields and their continued lines."""
    kept, keep = [], True
    for line in stanza.strip("\n").splitlines():
        if not line.startswith((" ", "\t")):
            keep = line.partition(":")[0] not in names
        if keep:
            kept.append(line)
    return "\n".join(kept) + "\n"
