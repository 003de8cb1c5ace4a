"""Files of this machine go in; the records of their packages come out, where scanners look for them.

Without records a scanner sees no OpenSSL and no libc, and reports an image as free of known holes. The
form is distroless': a file per package in /var/lib/dpkg/status.d, with the checksums beside it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from ferrule.base.entry import FileEntry
from ferrule.process import Command, Finished, ProgramMissingError, Runner

STATUS = PurePosixPath("/var/lib/dpkg/status.d")
DOC = PurePosixPath("/usr/share/doc")
RELEASE = PurePosixPath("/usr/lib/os-release")
RELEASES = ("/etc/debian_version", "/etc/lsb-release")
"""Beside os-release: scanners tell Debian by the first and Ubuntu by the second."""

INSTALLATION = ("Status", "Conffiles", "Config-Version")
"""Fields that are about one machine's installation and not about the package."""

NO_DPKG = "dpkg is not on this machine: scanners find no package records in the image"
Spellings = Mapping[PurePosixPath, tuple[PurePosixPath, ...]]
"""Place in the image → the paths under which this machine has the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """What is written about packages. `names` are `libc6 2.36-9`; `notes` say what could not be found."""

    entries: tuple[FileEntry, ...] = ()
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Packages(Protocol):
    """A package manager that knows where files come from."""

    def records(self, files: Spellings) -> Records:
        """The records of the packages that the files belong to."""
        ...


class DpkgPackages:
    """Debian's and Ubuntu's; on other machines there are no records, and a note says so."""

    def __init__(self, runner: Runner, root: Path = Path("/")) -> None:
        self._runner = runner
        self._root = root

    def records(self, files: Spellings) -> Records:
        """One call for all owners and one for their records."""
        try:
            owners = self._owners(files)
            stanzas = self._stanzas(sorted(set(owners.values())))
        except ProgramMissingError:
            return Records(notes=(NO_DPKG,))
        unowned = [place.name for place in files if place not in owners]
        entries = [entry for owner, stanza in stanzas for entry in self._of(owner, stanza, files, owners)]
        return Records(
            entries=(*entries, *(self._release() if entries else ())),
            names=tuple(f"{_field(text, 'Package')} {_field(text, 'Version')}" for _, text in stanzas),
            notes=(f"no package owns {', '.join(sorted(unowned))}",) if unowned else (),
        )

    def _dpkg(self, *argv: str) -> Finished:
        return self._runner.run(Command(argv=argv, env={"LC_ALL": "C"}))

    def _owners(self, files: Spellings) -> dict[PurePosixPath, str]:
        """Place → `libc6:amd64`. dpkg fails when it knows one spelling not, and answers the others."""
        asked = {place: tuple(_variants(paths)) for place, paths in files.items()}
        every = dict.fromkeys(str(path) for paths in asked.values() for path in paths)
        said = self._dpkg("dpkg", "-S", *every).stdout.decode("utf-8", "replace")
        known = dict(_answers(said))
        return {
            place: next(known[str(path)] for path in paths if str(path) in known)
            for place, paths in asked.items()
            if any(str(path) in known for path in paths)
        }

    def _stanzas(self, owners: list[str]) -> list[tuple[str, str]]:
        if not owners:
            return []
        said = self._dpkg("dpkg-query", "--status", *owners).stdout.decode("utf-8", "replace")
        stanzas = [stanza for stanza in said.split("\n\n") if _field(stanza, "Package")]
        known = {name: stanza for stanza in stanzas for name in _qualified(stanza)}
        return [(owner, known[owner]) for owner in owners if owner in known]

    def _of(
        self, owner: str, stanza: str, files: Spellings, owners: Mapping[PurePosixPath, str]
    ) -> Iterator[FileEntry]:
        name = _field(stanza, "Package")
        yield _text(STATUS / name, _without(stanza, INSTALLATION))
        places = {place: files[place] for place, of in owners.items() if of == owner}
        yield _text(STATUS / f"{name}.md5sums", self._checksums(owner, name, places))
        licence = self._read(DOC / name / "copyright")
        if licence is not None:
            yield FileEntry(path=DOC / name / "copyright", kind="file", source=licence)

    def _checksums(self, owner: str, name: str, places: Spellings) -> str:
        """dpkg's own sums, of the files that are in the image and under their places there."""
        info = PurePosixPath("/var/lib/dpkg/info")
        raw = self._read(info / f"{owner}.md5sums") or self._read(info / f"{name}.md5sums") or b""
        rows = (line.split(None, 1) for line in raw.decode("utf-8", "replace").splitlines())
        sums = {PurePosixPath("/", row[1]): row[0] for row in rows if len(row) == 2}
        lines = (
            f"{sums[path]}  {str(place).lstrip('/')}\n"
            for place, paths in sorted(places.items())
            for path in list(_variants(paths))
            if path in sums
        )
        return "".join(dict.fromkeys(lines))

    def _release(self) -> Iterator[FileEntry]:
        text = self._read(PurePosixPath("/etc/os-release"))
        if text is not None:
            yield FileEntry(path=RELEASE, kind="file", source=text)
            yield FileEntry(
                path=PurePosixPath("/etc/os-release"), kind="link", mode=0o777, target=f"..{RELEASE}"
            )
        for name in RELEASES:
            other = self._read(PurePosixPath(name))
            if other is not None:
                yield FileEntry(path=PurePosixPath(name), kind="file", source=other)

    def _read(self, path: PurePosixPath) -> bytes | None:
        try:
            return (self._root / path.relative_to("/")).read_bytes()
        except OSError:
            return None


def _variants(paths: Iterable[PurePosixPath]) -> Iterator[PurePosixPath]:
    """dpkg knows each file under one spelling, and since UsrMerge nobody can tell which."""
    seen = set()
    for path in paths:
        below = path.relative_to("/")
        other = below.relative_to("usr") if below.parts[0] == "usr" else "usr" / below
        for spelling in (path, PurePosixPath("/") / other):
            if spelling not in seen:
                seen.add(spelling)
                yield spelling


def _answers(said: str) -> Iterator[tuple[str, str]]:
    """Path → package, of lines such as `libc6:amd64: /lib/libc.so.6` and `a, b: /path`."""
    for line in said.splitlines():
        owners, colon, path = line.partition(": ")
        if colon and not line.startswith("diversion by "):
            yield path, owners.split(", ")[0]


def _qualified(stanza: str) -> tuple[str, str]:
    name = _field(stanza, "Package")
    return name, f"{name}:{_field(stanza, 'Architecture')}"


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


def _text(path: PurePosixPath, content: str) -> FileEntry:
    return FileEntry(path=path, kind="file", source=content.encode())
