import hashlib
import shutil
from pathlib import Path, PurePosixPath

from ferrule.base.packages import DpkgPackages, Records
from ferrule.process import Runner, SystemRunner
from tests.fakes.dpkg import Dpkg, NoDpkg
from tests.parts.need import need

LIBC = PurePosixPath("/usr/lib/x86_64-linux-gnu/libc.so.6")
LIBZ = PurePosixPath("/usr/lib/x86_64-linux-gnu/libz.so.1.2.13")


def records(root: Path, runner: Runner, *places: PurePosixPath) -> Records:
    return DpkgPackages(runner, root).records({place: (place,) for place in places})


def texts(found: Records) -> dict[str, str]:
    sources = {str(entry.path): entry.source for entry in found.entries}
    return {path: source.decode() for path, source in sources.items() if isinstance(source, bytes)}


def put(root: Path, name: str, text: str) -> None:
    place = root / name.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def test_a_package_is_recorded_where_scanners_look(tmp_path: Path) -> None:
    found = records(tmp_path, Dpkg({"zlib1g:amd64": (str(LIBZ),)}, version="1:1.2.13"), LIBZ)

    assert texts(found)["/var/lib/dpkg/status.d/zlib1g"] == (
        "Package: zlib1g\nPriority: optional\nArchitecture: amd64\nVersion: 1:1.2.13\n"
        "Description: the package zlib1g\n More about it.\n"
    )
    assert found.names == ("zlib1g 1:1.2.13",)
    assert found.notes == ()


def test_either_spelling_of_a_merged_folder_finds_the_package(tmp_path: Path) -> None:
    short = "/lib/x86_64-linux-gnu/libc.so.6"

    assert records(tmp_path, Dpkg({"libc6:amd64": (short,)}), LIBC).names == ("libc6 1.0-1",)
    assert records(tmp_path, Dpkg({"libc6:amd64": (str(LIBC),)}), PurePosixPath(short)).names == (
        "libc6 1.0-1",
    )


def test_all_files_are_asked_for_in_one_call(tmp_path: Path) -> None:
    dpkg = Dpkg({"libc6:amd64": (str(LIBC),), "zlib1g:amd64": (str(LIBZ),)})

    assert len(records(tmp_path, dpkg, LIBC, LIBZ).names) == 2
    assert dpkg.asked == ["dpkg -S", "dpkg-query --status"]


def test_diversions_are_no_packages_and_the_first_of_several_owners_counts(tmp_path: Path) -> None:
    diverted = Dpkg({"diversion by dash from": (str(LIBC),), "libc6:amd64, libc6:i386": (str(LIBC),)})

    assert records(tmp_path, diverted, LIBC).names == ("libc6 1.0-1",)


def test_checksums_are_those_of_the_files_in_the_image_at_their_places_there(tmp_path: Path) -> None:
    sums = "/var/lib/dpkg/info/libc6:amd64.md5sums"
    put(tmp_path, sums, "aa  lib/x86_64-linux-gnu/libc.so.6\nbb  usr/bin/ldd\ncc  lib/x/ld.so\n")
    dpkg = Dpkg({"libc6:amd64": ("/lib/x86_64-linux-gnu/libc.so.6", "/lib/x/ld.so")})

    found = DpkgPackages(dpkg, tmp_path).records(
        {LIBC: (LIBC,), PurePosixPath("/lib64/ld.so"): (PurePosixPath("/usr/lib/x/ld.so"),)}
    )

    assert texts(found)["/var/lib/dpkg/status.d/libc6.md5sums"] == (
        "cc  lib64/ld.so\naa  usr/lib/x86_64-linux-gnu/libc.so.6\n"
    )


def test_licences_and_the_release_come_along(tmp_path: Path) -> None:
    put(tmp_path, "/usr/share/doc/zlib1g/copyright", "zlib licence")
    put(tmp_path, "/etc/os-release", "ID=debian\n")
    put(tmp_path, "/etc/debian_version", "12.5\n")

    found = records(tmp_path, Dpkg({"zlib1g:amd64": (str(LIBZ),)}), LIBZ)

    assert texts(found)["/usr/share/doc/zlib1g/copyright"] == "zlib licence"
    assert texts(found)["/usr/lib/os-release"] == "ID=debian\n"
    assert texts(found)["/etc/debian_version"] == "12.5\n"
    assert {str(entry.path): entry.target for entry in found.entries if entry.kind == "link"} == {
        "/etc/os-release": "../usr/lib/os-release"
    }


def test_a_file_of_no_package_is_noted(tmp_path: Path) -> None:
    own = PurePosixPath("/usr/local/lib/libown.so")
    found = records(tmp_path, Dpkg({"libc6:amd64": (str(LIBC),)}), LIBC, own)

    assert found.notes == ("no package owns libown.so",)
    assert found.names == ("libc6 1.0-1",)


def test_without_dpkg_there_are_no_records_and_a_note(tmp_path: Path) -> None:
    found = records(tmp_path, NoDpkg(), LIBC)

    assert found.entries == ()
    assert "dpkg" in found.notes[0]


def test_the_real_dpkg_knows_this_machines_libc() -> None:
    need(shutil.which("dpkg"), "dpkg")
    libc = next(Path("/lib").glob("*-linux-gnu*/libc.so.6"))

    found = records(Path("/"), SystemRunner(), PurePosixPath(libc), PurePosixPath("/no/such/file"))

    checksum = hashlib.md5(libc.read_bytes()).hexdigest()
    assert texts(found)["/var/lib/dpkg/status.d/libc6"].startswith("Package: libc6\n")
    assert texts(found)["/var/lib/dpkg/status.d/libc6.md5sums"] == f"{checksum}  {str(libc)[1:]}\n"
    assert "\nStatus:" not in texts(found)["/var/lib/dpkg/status.d/libc6"]
    assert "/usr/lib/os-release" in texts(found)
    assert found.notes == ("no package owns file",)
