from pathlib import Path

from ferrule.base.packages import Records
from tests.base.records import LIBC, LIBZ, records, texts
from tests.fakes.packages import apk, dpkg


def test_the_release_comes_along_as_scanners_tell_distributions(tmp_path: Path) -> None:
    files = {
        "/usr/lib/os-release": b"ID=debian\n",
        "/etc/debian_version": b"12.5\n",
        "/etc/fedora-release": b"F",
    }
    links = {"/etc/os-release": "../usr/lib/os-release", "/etc/redhat-release": "fedora-release"}

    found = records(tmp_path, {**dpkg({"libc6:amd64": (LIBC,)}), **files, **links}, LIBC)

    assert texts(found)["/usr/lib/os-release"] == "ID=debian\n"
    assert texts(found)["/etc/debian_version"] == "12.5\n"
    assert (texts(found)["/etc/redhat-release"], texts(found)["/etc/fedora-release"]) == ("F", "F")
    assert {str(entry.path): entry.target for entry in found.entries if entry.kind == "link"} == {
        "/etc/os-release": "../usr/lib/os-release"
    }


def test_a_file_of_no_package_is_noted(tmp_path: Path) -> None:
    found = records(tmp_path, dpkg({"libc6:amd64": (LIBC,)}), LIBC, "/usr/local/lib/libown.so")

    assert found.notes == ("no package owns libown.so",)
    assert found.names == ("libc6 1.0-1",)


def test_without_any_package_manager_there_are_no_records_and_a_note(tmp_path: Path) -> None:
    assert records(tmp_path, {"/etc/os-release": b"ID=own\n"}, LIBC) == Records(
        notes=("no packages are known in the donor: scanners find no records in the image",)
    )


def test_a_package_manager_that_owns_nothing_here_is_passed_over(tmp_path: Path) -> None:
    files = {**dpkg({"libc6:amd64": (LIBC,)}), "/lib/apk/db/installed": apk({"zlib": (LIBZ,)})}

    assert records(tmp_path, files, LIBZ).names == ("zlib 1.2.5-r0",)
