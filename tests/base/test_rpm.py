"""Databases of rpm: made by hand, and made and read by the real rpm."""

import shutil
import sqlite3
from pathlib import Path, PurePosixPath

import pytest

from ferrule.base.packages import records_of
from ferrule.base.rpm_header import HeaderError, parse_header
from ferrule.elf.files import LocalFiles
from tests.base.records import records
from tests.fakes.packages import rpm_database, rpm_header
from tests.parts.debian import run
from tests.parts.need import need

DATABASE = "/usr/lib/sysimage/rpm/rpmdb.sqlite"
LIBC, LICENCE = "/lib64/libc.so.6", "/usr/share/licenses/glibc/COPYING"
GLIBC = rpm_header("glibc", (LIBC, LICENCE, "/usr/bin/ldd"), epoch=2)
SPEC = """\
Name: answer
Version: 1.2
Release: 3
Summary: a library
License: MIT
%description
A library.
%install
mkdir -p %{buildroot}/usr/lib64 %{buildroot}/usr/share/licenses/NAME
echo NAME > %{buildroot}/usr/lib64/libNAME.so.1
echo MIT > %{buildroot}/usr/share/licenses/NAME/COPYING
%files
/usr/lib64/libNAME.so.1
%license /usr/share/licenses/NAME/COPYING
"""


def rows(database: bytes, place: Path) -> list[tuple[object, ...]]:
    place.write_bytes(database)
    with sqlite3.connect(place) as connection:
        packages = connection.execute("SELECT hnum, blob FROM Packages").fetchall()
        return [*packages, *connection.execute("SELECT key, hnum FROM Name").fetchall()]


def database_of(found: object) -> bytes:
    source = next(entry.source for entry in found.entries if str(entry.path) == DATABASE)  # type: ignore[attr-defined]  # a Records
    assert isinstance(source, bytes)
    return source


def test_a_database_holds_the_headers_of_the_packages_in_the_image_byte_by_byte(tmp_path: Path) -> None:
    headers = [rpm_header("bash", ("/usr/bin/bash",)), GLIBC, rpm_header("glibc-doc", ("/doc/libc.so.6",))]
    files = {DATABASE: rpm_database(tmp_path / "made", headers), LICENCE: b"LGPL"}

    found = records(tmp_path / "donor", files, "/usr/lib64/libc.so.6")

    assert found.names == ("glibc 2:2.34-100.el9",)
    assert rows(database_of(found), tmp_path / "read") == [(2, GLIBC), ("package 2", 2)]
    assert {str(entry.path) for entry in found.entries} == {DATABASE, LICENCE}


def test_the_database_says_nothing_of_the_sqlite_that_wrote_it(tmp_path: Path) -> None:
    found = records(tmp_path / "donor", {DATABASE: rpm_database(tmp_path / "made", [GLIBC])}, LIBC)

    assert database_of(found)[96:100] == bytes(4)


def test_the_older_place_is_read_too(tmp_path: Path) -> None:
    files = {"/var/lib/rpm/rpmdb.sqlite": rpm_database(tmp_path / "made", [GLIBC])}

    assert records(tmp_path / "donor", files, LIBC).names == ("glibc 2:2.34-100.el9",)


@pytest.mark.parametrize("cut", [0, 50, 1000, 5000])
def test_a_damaged_database_gives_no_records(tmp_path: Path, cut: int) -> None:
    content = rpm_database(tmp_path / "made", [GLIBC])[:cut]

    assert records(tmp_path / "donor", {DATABASE: content}, LIBC).names == ()


def test_a_damaged_header_is_an_error_of_one_kind() -> None:
    for cut in range(len(GLIBC)):
        with pytest.raises(HeaderError):
            parse_header(GLIBC[:cut])
    for at in range(8, len(GLIBC)):
        damaged = bytearray(GLIBC)
        damaged[at] ^= 0xFF
        try:
            parse_header(bytes(damaged))
        except HeaderError:
            continue


@pytest.mark.real
def test_the_real_rpm_s_database_is_read_and_what_is_written_rpm_reads(tmp_path: Path) -> None:
    need(shutil.which("rpmbuild"), "rpm")
    for name in ("answer", "other"):
        spec = tmp_path / f"{name}.spec"
        spec.write_text(SPEC.replace("answer", "NAME").replace("NAME", name))
        run("rpmbuild", "-bb", "--define", f"_topdir {tmp_path}/top", str(spec))
    packages = [str(path) for path in (tmp_path / "top" / "RPMS").rglob("*.rpm")]
    place = ("--dbpath", str(PurePosixPath(DATABASE).parent), "--define", "_db_backend sqlite")
    run("rpm", "--root", str(tmp_path / "donor"), *place, "--nodeps", "-i", *packages)

    library = PurePosixPath("/usr/lib64/libanswer.so.1")
    found = records_of({library: (library,)}, LocalFiles(tmp_path / "donor"), "it")

    assert found.names == ("answer 1.2-3",)
    copy = tmp_path / "image" / DATABASE[1:]
    copy.parent.mkdir(parents=True)
    copy.write_bytes(database_of(found))
    asked = run("rpm", "--root", str(tmp_path / "image"), *place, "-q", "-l", "answer")
    assert asked.split() == [str(library), "/usr/share/licenses/answer/COPYING"]
    assert run("rpm", "--root", str(tmp_path / "image"), *place, "-qa", "--qf", "%{name}\n") == "answer\n"
