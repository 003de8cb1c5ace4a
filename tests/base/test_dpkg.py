import hashlib
import shutil
from pathlib import Path, PurePosixPath

from ferrule.base.packages import records_of
from ferrule.elf.files import LocalFiles
from tests.base.records import LIBC, LIBZ, records, texts
from tests.fakes.packages import INFO, distroless, dpkg
from tests.fakes.trees import Content, tree
from tests.parts.need import need

STATUS = "/var/lib/dpkg/status.d"
SHORT = LIBC.removeprefix("/usr")


def test_a_package_is_recorded_where_scanners_look(tmp_path: Path) -> None:
    files = dpkg({"libc6:amd64": (LIBC,), "zlib1g:amd64": (LIBZ,)}, version="1:1.2.13")
    found = records(tmp_path, files, LIBZ)

    assert texts(found)[f"{STATUS}/zlib1g"] == (
        "Package: zlib1g\nPriority: optional\nArchitecture: amd64\nVersion: 1:1.2.13\n"
        "Description: the package zlib1g\n More about it.\n"
    )
    assert found.names == ("zlib1g 1:1.2.13",)
    assert found.notes == ()


def test_either_spelling_of_a_merged_folder_finds_the_package(tmp_path: Path) -> None:
    assert records(tmp_path / "a", dpkg({"libc6:amd64": (SHORT,)}), LIBC).names == ("libc6 1.0-1",)
    assert records(tmp_path / "b", dpkg({"libc6:amd64": (LIBC,)}), SHORT).names == ("libc6 1.0-1",)


def test_a_package_without_a_processor_in_its_name_is_found_too(tmp_path: Path) -> None:
    assert records(tmp_path, dpkg({"libc-bin": (LIBC,)}), LIBC).names == ("libc-bin 1.0-1",)


def test_a_diverted_file_is_that_of_the_package_that_diverted_it(tmp_path: Path) -> None:
    owners = {"libc6:amd64": (LIBC,), "own-libc:amd64": (LIBC,)}
    diverted = {"/var/lib/dpkg/diversions": f"{LIBC}\n{LIBC}.distrib\nown-libc\n".encode()}

    assert records(tmp_path / "a", {**dpkg(owners), **diverted}, LIBC).names == ("own-libc 1.0-1",)
    assert records(tmp_path / "b", {**dpkg(owners), **diverted}, f"{LIBC}.distrib").names == ("libc6 1.0-1",)


def test_the_first_of_several_owners_counts(tmp_path: Path) -> None:
    assert records(tmp_path, dpkg({"a:amd64": (LIBC,), "a:i386": (LIBC,)}), LIBC).names == ("a 1.0-1",)


def test_checksums_are_those_of_the_files_in_the_image_at_their_places_there(tmp_path: Path) -> None:
    files = dpkg({"libc6:amd64": (SHORT, "/lib/x/ld.so")})
    sums = b"aa  lib/x86_64-linux-gnu/libc.so.6\nbb  usr/bin/ldd\ncc  lib/x/ld.so\n"
    donor = tree(tmp_path, {**files, f"{INFO}/libc6:amd64.md5sums": sums})
    places = {
        PurePosixPath(LIBC): (PurePosixPath(LIBC),),
        PurePosixPath("/lib64/ld.so"): (PurePosixPath("/lib64/ld.so"), PurePosixPath("/usr/lib/x/ld.so")),
    }

    assert texts(records_of(places, donor, "it"))[f"{STATUS}/libc6.md5sums"] == (
        "cc  lib64/ld.so\naa  usr/lib/x86_64-linux-gnu/libc.so.6\n"
    )


def test_a_licence_comes_along_also_from_behind_a_link(tmp_path: Path) -> None:
    doc: dict[str, Content] = {
        "/usr/share/doc/gcc-12-base/copyright": b"GPL",
        "/usr/share/doc/libgcc-s1": "gcc-12-base",
    }

    found = records(tmp_path, {**dpkg({"libgcc-s1:amd64": (LIBC,)}), **doc}, LIBC)

    assert texts(found)["/usr/share/doc/libgcc-s1/copyright"] == "GPL"


def test_the_records_of_a_distroless_image_are_read(tmp_path: Path) -> None:
    found = records(tmp_path, distroless({"libc6": (SHORT, "/usr/bin/ldd"), "zlib1g": (LIBZ,)}), LIBC)

    assert found.names == ("libc6 1.0-1",)
    assert texts(found) == {
        f"{STATUS}/libc6": "Package: libc6\nArchitecture: amd64\nVersion: 1.0-1\n",
        f"{STATUS}/libc6.md5sums": "0123  usr/lib/x86_64-linux-gnu/libc.so.6\n",
    }


def test_damaged_files_of_dpkg_give_no_records(tmp_path: Path) -> None:
    files = {
        "/var/lib/dpkg/status": b"\xff\n\n:\nPackage",
        "/var/lib/dpkg/diversions": b"\n\xff",
        f"{INFO}/libc6.list": f"{LIBC}\n".encode(),
        f"{STATUS}/x": b"",
        f"{STATUS}/x.md5sums": b"one two three\n\n",
    }

    assert records(tmp_path, files, LIBC).names == ()


def test_the_real_dpkg_s_files_know_this_machines_libc() -> None:
    need(shutil.which("dpkg"), "dpkg")
    libc = next(Path("/lib").glob("*-linux-gnu*/libc.so.6"))
    places = [PurePosixPath(libc), PurePosixPath("/no/such/file")]

    found = records_of({place: (place,) for place in places}, LocalFiles(), "this machine")

    checksum = hashlib.md5(libc.read_bytes()).hexdigest()
    assert texts(found)[f"{STATUS}/libc6"].startswith("Package: libc6\n")
    assert texts(found)[f"{STATUS}/libc6.md5sums"] == f"{checksum}  {str(libc)[1:]}\n"
    assert "\nStatus:" not in texts(found)[f"{STATUS}/libc6"]
    assert "/usr/lib/os-release" in texts(found)
    assert found.notes == ("no package owns file",)
