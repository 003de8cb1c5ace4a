from pathlib import Path

from tests.base.records import records, texts
from tests.fakes.packages import apk, apk_stanza

INSTALLED = "/lib/apk/db/installed"
LOADER = "/lib/ld-musl-x86_64.so.1"


def test_the_stanzas_of_the_packages_in_the_image_are_kept_as_they_are(tmp_path: Path) -> None:
    packages = {"musl": (LOADER,), "zlib": ("/lib/libz.so.1.3.1",), "busybox": ("/bin/busybox",)}
    found = records(tmp_path, {INSTALLED: apk(packages)}, LOADER, "/lib/libz.so.1.3.1")

    assert found.names == ("musl 1.2.5-r0", "zlib 1.2.5-r0")
    kept = (apk_stanza("musl", packages["musl"]), apk_stanza("zlib", packages["zlib"]))
    assert texts(found)[INSTALLED] == "".join(f"{stanza}\n\n" for stanza in kept)


def test_a_list_in_the_merged_folder_is_found_and_licences_come_along(tmp_path: Path) -> None:
    files = {f"/usr{INSTALLED}": apk({"musl": (LOADER,)}), "/usr/share/licenses/musl/COPYRIGHT": b"MIT"}
    found = records(tmp_path, files, f"/usr{LOADER}")

    assert found.names == ("musl 1.2.5-r0",)
    assert texts(found)["/usr/share/licenses/musl/COPYRIGHT"] == "MIT"
    assert f"/usr{INSTALLED}" in texts(found)


def test_a_damaged_list_gives_no_records(tmp_path: Path) -> None:
    assert records(tmp_path, {INSTALLED: b"\xff\nF\nR:\n\nR:x\n"}, LOADER).names == ()
