from pathlib import Path

import pytest

from ferrule.base.fitted import Fitted
from ferrule.errors import ImageError
from tests.base.test_fitted import HOME, fit, layout
from tests.fakes.elf import library, program
from tests.fakes.trees import Content

MODULES = f"/usr{HOME}/ossl-modules"
GCONV = f"/usr{HOME}/gconv"
PLAIN = program("libc.so.6")
Donated = dict[str, Content]


def importing(symbol: str, *needed: str) -> bytes:
    return program(*needed, "libc.so.6", versions={"libc.so.6": {"GLIBC_2.34": symbol}})


def added(found: Fitted) -> dict[str, str]:
    """What is there besides the loader, libc and libgcc."""
    usual = ("ld-linux", "libc.so", "libgcc")
    return {
        path: what for path, what in layout(found).items() if not path.rpartition("/")[2].startswith(usual)
    }


def test_a_soname_is_looked_for_as_the_loader_would_and_brings_what_it_needs(tmp_path: Path) -> None:
    files: Donated = {
        "/opt/own/libplug.so.1.2": library("libplug.so.1", "libz.so.1"),
        "/opt/own/libplug.so.1": "libplug.so.1.2",
        f"{HOME}/libz.so.1": library("libz.so.1"),
    }

    found = fit(tmp_path, program("libc.so.6", runpath="/opt/own"), files, "libplug.so.1")

    assert added(found) == {
        f"{HOME}/libplug.so.1.2": "file",
        f"{HOME}/libplug.so.1": "libplug.so.1.2",
        f"{HOME}/libz.so.1": "file",
    }


def test_a_path_stays_that_path_and_lib_is_the_loaders_word_for_its_folder(tmp_path: Path) -> None:
    files: Donated = {
        f"{MODULES}/legacy.so": library("legacy.so", "libz.so.1"),
        f"{HOME}/libz.so.1": library("libz.so.1"),
    }

    found = fit(tmp_path, PLAIN, files, "/usr/$LIB/ossl-modules/legacy.so")

    assert added(found) == {f"{MODULES}/legacy.so": "file", f"{HOME}/libz.so.1": "file"}


def test_wildcards_take_every_file_of_the_folder_that_fits(tmp_path: Path) -> None:
    names = ("legacy.so", "fips.so", "readme.txt")
    files: Donated = {f"{MODULES}/{name}": library(name) for name in names}

    found = fit(tmp_path, PLAIN, files, f"{MODULES}/*.so")

    assert set(added(found)) == {f"{MODULES}/legacy.so", f"{MODULES}/fips.so"}


def test_a_library_that_is_linked_and_opened_by_its_path_is_found_both_ways(tmp_path: Path) -> None:
    files: Donated = {"/opt/libz.so.1": library("libz.so.1")}
    found = fit(tmp_path, program("libz.so.1", "libc.so.6", runpath="/opt"), files, "/opt/libz.so.1")

    assert added(found) == {f"{HOME}/libz.so.1": "file", "/opt/libz.so.1": f"{HOME}/libz.so.1"}


def test_the_other_way_round_too(tmp_path: Path) -> None:
    """Found by its path first, and by its name from another library that is opened."""
    files: Donated = {
        "/opt/libz.so.1": library("libz.so.1"),
        "/opt/libplug.so": library("libplug.so", "libz.so.1", runpath="/opt"),
    }
    found = fit(tmp_path, PLAIN, files, "/opt/libz.so.1", "/opt/libplug.so")

    assert added(found) == {
        f"{HOME}/libz.so.1": "file",
        "/opt/libz.so.1": f"{HOME}/libz.so.1",
        "/opt/libplug.so": "file",
    }


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("libno.so.9", "the program needs libno.so.9; this machine lacks it"),
        ("/usr/$LIB/no.so", "this machine has no /usr/$LIB/no.so, which `libraries` names"),
        ("/opt/*.so", "this machine has no /opt/*.so, which `libraries` names"),
        (f"{MODULES}/text", f"the program needs {MODULES}/text, and {MODULES}/text is not for x86-64"),
    ],
)
def test_a_library_that_is_not_here_is_one_clear_error(tmp_path: Path, wanted: str, message: str) -> None:
    with pytest.raises(ImageError) as caught:
        fit(tmp_path, PLAIN, {f"{MODULES}/text": b"text"}, wanted)

    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_what_the_program_opens_by_name_is_noted_until_it_is_declared(tmp_path: Path) -> None:
    data = importing("dlopen")
    files: Donated = {f"{HOME}/libplug.so.1": library("libplug.so.1")}

    assert any("opens libraries by name" in note for note in fit(tmp_path / "a", data).notes)
    assert not any("by name" in note for note in fit(tmp_path / "b", data, files, "libplug.so.1").notes)


def test_character_sets_are_noted_and_their_list_comes_with_the_first_of_them(tmp_path: Path) -> None:
    files: Donated = {
        f"{GCONV}/ISO8859-1.so": library("ISO8859-1.so"),
        f"{GCONV}/UTF-16.so": library("UTF-16.so"),
        f"{GCONV}/gconv-modules": b"list",
        f"{GCONV}/gconv-modules.d/extra.conf": b"more",
    }
    data = importing("iconv_open")

    without = fit(tmp_path / "a", data, files)
    with_one = fit(tmp_path / "b", data, files, "/usr/$LIB/gconv/ISO8859-1.so")

    assert any(note.startswith("the program converts character sets") for note in without.notes)
    assert added(without) == {}
    assert set(added(with_one)) == {
        f"{GCONV}/ISO8859-1.so",
        f"{GCONV}/gconv-modules",
        f"{GCONV}/gconv-modules.d/extra.conf",
    }
    assert not any("character sets" in note for note in with_one.notes)


def test_the_locale_comes_where_a_library_of_the_program_sets_one(tmp_path: Path) -> None:
    locale = "/usr/lib/locale/C.utf8"
    setter = library("libset.so.1", "libc.so.6", versions={"libc.so.6": {"GLIBC_2.34": "setlocale"}})
    files: Donated = {
        f"{HOME}/libset.so.1": setter,
        f"{locale}/LC_CTYPE": b"types",
        f"{locale}/LC_MESSAGES/SYS_LC_MESSAGES": b"messages",
    }

    with_it = fit(tmp_path / "a", program("libset.so.1", "libc.so.6"), files)

    assert {f"{locale}/LC_CTYPE", f"{locale}/LC_MESSAGES/SYS_LC_MESSAGES"} < set(added(with_it))
    assert added(fit(tmp_path / "b", PLAIN, files)) == {}


def test_a_glibc_without_name_services_of_its_own_gets_them_with_what_they_need(tmp_path: Path) -> None:
    old: Donated = {
        f"{HOME}/libc.so.6": library("libc.so.6", defines=("libc.so.6", "GLIBC_2.31")),
        f"{HOME}/libnss_dns.so.2": library("libnss_dns.so.2", "libresolv.so.2"),
        f"{HOME}/libnss_files.so.2": library("libnss_files.so.2"),
        f"{HOME}/libresolv.so.2": library("libresolv.so.2"),
    }
    names = {"libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"}
    new = {path: content for path, content in old.items() if not path.endswith("libc.so.6")}

    assert {path.rpartition("/")[2] for path in added(fit(tmp_path / "a", PLAIN, old))} == names
    assert added(fit(tmp_path / "b", PLAIN, new)) == {}
