"""rpm's database goes in, the same with a few of its packages comes out: Fedora's, Red Hat's, SUSE's.

Scanners read the table `Packages` of `rpmdb.sqlite`: a number and a package's header in each row. Headers
stay byte by byte, with the signatures that are in them; the other tables are indexes, without which rpm
itself does not open the database. Older forms (Berkeley's and ndb) are not read.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath

import msgspec

from ferrule.base.entry import FileEntry
from ferrule.base.owned import Owned, Places, content_of, copied, spelled
from ferrule.base.rpm_header import Header, HeaderError, parse_header
from ferrule.elf.files import Files
from ferrule.elf.search import find_file
from ferrule.folders import temporary_folder

DATABASES = (PurePosixPath("/usr/lib/sysimage/rpm/rpmdb.sqlite"), PurePosixPath("/var/lib/rpm/rpmdb.sqlite"))
WAL = "-wal"
"""What was written last and is not in the database itself yet."""

LICENCES = "/usr/share/licenses/"
WRITER_AT = slice(96, 100)
"""SQLite's own version in the file's header, which would make the image depend on this machine's."""


class _Package(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    header: Header
    places: frozenset[PurePosixPath]


def rpm_records(places: Places, files: Files) -> Owned:
    """A database of the packages that own the files, and the licences that they bring along."""
    database = next((real for path in DATABASES if (real := find_file(files, path)) is not None), None)
    if database is None:
        return Owned()
    try:
        with _copy(database, files) as copy:
            packages = tuple(_packages(copy, spelled(places)))
            content = _reduced(copy, [package.number for package in packages]) if packages else b""
    except sqlite3.Error:
        return Owned()
    headers = [package.header for package in packages]
    licences = (path for header in headers for path in header.paths if path.startswith(LICENCES))
    return Owned(
        places=frozenset(place for package in packages for place in package.places),
        names=tuple(f"{header.name} {header.version}" for header in headers),
        entries=(
            FileEntry(path=database, kind="file", source=content),
            *copied(files, map(PurePosixPath, licences)),
        ),
    )


@contextmanager
def _copy(database: PurePosixPath, files: Files) -> Iterator[Path]:
    """A copy on disk that may be changed: SQLite reads no streams, and locks what it reads."""
    with tempfile.TemporaryDirectory(dir=temporary_folder()) as folder:
        copy = Path(folder, "rpmdb.sqlite")
        for suffix in ("", WAL):
            content = content_of(files, database.with_name(database.name + suffix))
            if content:
                copy.with_name(copy.name + suffix).write_bytes(content)
        yield copy


def _packages(database: Path, known: dict[str, PurePosixPath]) -> Iterator[_Package]:
    names = {os.fsencode(PurePosixPath(path).name) for path in known}
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT hnum, blob FROM Packages ORDER BY hnum").fetchall()
    for number, blob in rows:
        if not isinstance(blob, bytes) or not any(name in blob for name in names):
            continue
        try:
            header = parse_header(blob)
        except HeaderError:
            continue
        owned = frozenset(known[path] for path in header.paths if path in known)
        if owned:
            yield _Package(number=number, header=header, places=owned)


def _reduced(database: Path, numbers: list[int]) -> bytes:
    """Without all other packages: the same bytes for the same donor and numbers, whatever SQLite does it."""
    marks = ", ".join("?" * len(numbers))
    tables = "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE c.name = 'hnum'"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for (table,) in connection.execute(tables).fetchall():
            name = table.replace('"', '""')
            connection.execute(f'DELETE FROM "{name}" WHERE hnum NOT IN ({marks})', numbers)  # noqa: S608 - quoted
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    content = bytearray(database.read_bytes())
    content[WRITER_AT] = bytes(4)
    return bytes(content)
