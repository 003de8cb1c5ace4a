"""Files of a donor go in; the records of their packages come out, where scanners look for them.

Without records a scanner sees no OpenSSL and no libc, and reports an image as free of known holes. The
package manager's own files are read, so that this machine, an image and another processor are one case.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from ferrule.base.apk import apk_records
from ferrule.base.dpkg import dpkg_records
from ferrule.base.entry import FileEntry
from ferrule.base.owned import Owned, Places, content_of
from ferrule.elf.files import Files

OS_RELEASE = PurePosixPath("/etc/os-release")
RELEASE = PurePosixPath("/usr/lib/os-release")
RELEASES = ("debian", "alpine", "redhat", "fedora", "centos", "rocky", "almalinux", "oracle", "system")
OTHER_RELEASES = ("/etc/debian_version", "/etc/lsb-release", *(f"/etc/{name}-release" for name in RELEASES))
"""Beside os-release: scanners tell Debian by the first, Ubuntu by the second, the others by their own."""


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """What is written about packages. `names` are `libc6 2.36-9`; `notes` say what could not be found."""

    entries: tuple[FileEntry, ...] = ()
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def records_of(places: Places, files: Files, donor: str) -> Records:
    """The records of the first package manager that owns any of the files. `donor` is for the note."""
    for read in (dpkg_records, _rpm_records, apk_records):
        found = read(places, files)
        if found.names:
            unowned = sorted(place.name for place in places.keys() - found.places)
            return Records(
                entries=(*found.entries, *_release(files)),
                names=found.names,
                notes=(f"no package owns {', '.join(unowned)}",) if unowned else (),
            )
    return Records(notes=(f"no packages are known in {donor}: scanners find no records in the image",))


def _rpm_records(places: Places, files: Files) -> Owned:
    """SQLite is imported where dpkg knows nothing: most builds do without."""
    from ferrule.base.rpm import rpm_records

    return rpm_records(places, files)


def _release(files: Files) -> Iterator[FileEntry]:
    text = content_of(files, OS_RELEASE)
    if text is not None:
        yield FileEntry(path=RELEASE, kind="file", source=text)
        yield FileEntry(path=OS_RELEASE, kind="link", mode=0o777, target=f"..{RELEASE}")
    for name in OTHER_RELEASES:
        other = content_of(files, PurePosixPath(name))
        if other is not None:
            yield FileEntry(path=PurePosixPath(name), kind="file", source=other)
