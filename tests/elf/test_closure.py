import io
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ferrule.elf.closure import Closure, closure
from ferrule.elf.facts import Binary, read_binary, read_elf
from ferrule.elf.files import LocalFiles
from ferrule.process import Command, SystemRunner
from tests.fakes.elf import AARCH64, GLIBC_LOADER, I386, library, program
from tests.fakes.trees import Content, tree
from tests.parts.need import need

APP = PurePosixPath("/app")
MUSL = "/lib/ld-musl-x86_64.so.1"
LOADER = library("ld-linux-x86-64.so.2")
LIBC = library("libc.so.6", "ld-linux-x86-64.so.2")
SYSTEM: dict[str, Content] = {GLIBC_LOADER: LOADER, "/lib/x86_64-linux-gnu/libc.so.6": LIBC}


def read(data: bytes) -> Binary:
    return read_elf(io.BytesIO(data), "app", len(data))


def search(root: Path, data: bytes, files: dict[str, Content]) -> Closure:
    return closure(read(data), tree(root, {**SYSTEM, **files}), origin=APP)


def paths(found: Closure) -> dict[str, str]:
    return {library.name: str(library.path) for library in found.libraries}


def test_libraries_of_libraries_are_found_and_the_loader_is_not_one_of_them(tmp_path: Path) -> None:
    found = search(
        tmp_path,
        program("libx.so.1"),
        {
            "/usr/lib/libx.so.1": library("libx.so.1", "liby.so.2", "libc.so.6"),
            "/lib/liby.so.2": library("liby.so.2"),
        },
    )

    assert paths(found) == {
        "libx.so.1": "/usr/lib/libx.so.1",
        "liby.so.2": "/lib/liby.so.2",
        "libc.so.6": "/lib/x86_64-linux-gnu/libc.so.6",
    }
    assert found.interpreter is not None
    assert found.interpreter.real == PurePosixPath(GLIBC_LOADER)
    assert found.missing == ()


def test_a_missing_library_is_told_with_who_wants_it(tmp_path: Path) -> None:
    found = search(tmp_path, program("libx.so.1"), {"/lib/libx.so.1": library("libx.so.1", "libpq.so.5")})

    assert [(miss.name, miss.wanted_by) for miss in found.missing] == [("libpq.so.5", "libx.so.1")]


def test_libraries_that_need_each_other_are_followed_once(tmp_path: Path) -> None:
    found = search(
        tmp_path,
        program("liba.so"),
        {"/lib/liba.so": library("liba.so", "libb.so"), "/lib/libb.so": library("libb.so", "liba.so")},
    )

    assert list(paths(found)) == ["liba.so", "libb.so"]


def test_one_file_under_two_names_is_one_library(tmp_path: Path) -> None:
    found = search(
        tmp_path,
        program("libx.so", "libx.so.1"),
        {
            "/lib/libx.so.1.2": library("libx.so.1"),
            "/lib/libx.so.1": "libx.so.1.2",
            "/lib/libx.so": "libx.so.1.2",
        },
    )

    assert [str(found.real) for found in found.libraries] == ["/lib/libx.so.1.2"]


def test_a_library_for_another_processor_is_passed_over(tmp_path: Path) -> None:
    found = search(
        tmp_path,
        program("libx.so.1"),
        {
            "/lib/x86_64-linux-gnu/libx.so.1": library("libx.so.1", machine=AARCH64),
            "/usr/lib/x86_64-linux-gnu/libx.so.1": library("libx.so.1", machine=I386, bits=32),
            "/lib/libx.so.1": b"INPUT(libx.so.2)",
            "/usr/lib/libx.so.1": library("libx.so.1"),
        },
    )

    assert paths(found) == {"libx.so.1": "/usr/lib/libx.so.1"}


def test_files_that_do_not_fit_are_named_when_nothing_fits(tmp_path: Path) -> None:
    place = "/lib/libx.so.1"
    found = search(tmp_path, program("libx.so.1"), {place: library("libx.so.1", machine=AARCH64)})

    assert found.missing[0].unfit == (PurePosixPath(place),)


@pytest.mark.parametrize(
    ("says", "folder"),
    [
        ("$ORIGIN/../own", "/own"),
        ("${ORIGIN}/lib", "/app/lib"),
        ("/opt/$LIB", "/opt/lib64"),
        ("/opt/$LIB", "/opt/lib/x86_64-linux-gnu"),
        ("/opt/${PLATFORM}", "/opt/x86_64"),
        ("//opt/lib", "/opt/lib"),
        ("/nowhere:/opt/x", "/opt/x"),
    ],
)
@pytest.mark.parametrize("tag", ["rpath", "runpath"])
def test_a_folder_that_the_program_names_comes_first(
    tmp_path: Path, tag: str, says: str, folder: str
) -> None:
    data = program("libx.so.1", **{tag: says})
    files: dict[str, Content] = {
        "/lib/libx.so.1": library("libx.so.1"),
        f"{folder}/libx.so.1": library("libx.so.1"),
    }
    (tmp_path / "app").mkdir()
    found = search(tmp_path, data, files)

    assert [str(library.real) for library in found.libraries] == [f"{folder}/libx.so.1"]


def test_rpath_counts_for_libraries_below_and_runpath_does_not(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "/opt/libx.so.1": library("libx.so.1", "liby.so.1"),
        "/opt/liby.so.1": library("liby.so.1"),
    }

    old = search(tmp_path / "old", program("libx.so.1", rpath="/opt"), files)
    new = search(tmp_path / "new", program("libx.so.1", runpath="/opt"), files)

    assert list(paths(old)) == ["libx.so.1", "liby.so.1"]
    assert [miss.name for miss in new.missing] == ["liby.so.1"]


def test_rpath_is_ignored_beside_runpath(tmp_path: Path) -> None:
    data = program("libx.so.1", rpath="/old", runpath="/new")

    assert search(tmp_path, data, {"/old/libx.so.1": library("libx.so.1")}).missing


def test_a_library_with_runpath_has_no_use_of_the_rpath_above_it(tmp_path: Path) -> None:
    """glibc's _dl_map_object: any RUNPATH of who asks keeps the RPATHs of all others out."""
    files: dict[str, Content] = {
        "/opt/libx.so.1": library("libx.so.1", "liby.so.1", runpath="/nowhere"),
        "/opt/liby.so.1": library("liby.so.1"),
    }

    found = search(tmp_path, program("libx.so.1", rpath="/opt"), files)

    assert [miss.name for miss in found.missing] == ["liby.so.1"]


def test_the_origin_of_a_library_is_its_own_folder(tmp_path: Path) -> None:
    found = search(
        tmp_path,
        program("libx.so.1", runpath="/opt/x/lib"),
        {
            "/opt/x/lib/libx.so.1": library("libx.so.1", "liby.so.1", runpath="$ORIGIN/private"),
            "/opt/x/lib/private/liby.so.1": library("liby.so.1"),
        },
    )

    assert paths(found)["liby.so.1"] == "/opt/x/lib/private/liby.so.1"


def test_folders_of_the_configuration_are_read_with_their_includes(tmp_path: Path) -> None:
    found = search(
        tmp_path,
        program("libx.so.1", "liby.so.1"),
        {
            "/etc/ld.so.cache": b"",
            "/etc/ld.so.conf": b"# local\ninclude ld.so.conf.d/*.conf\n/srv/lib # here\n",
            "/etc/ld.so.conf.d/a.conf": b"/usr/local/lib\ninclude /etc/ld.so.conf\n",
            "/etc/ld.so.conf.d/b.txt": b"/not/read\n",
            "/usr/local/lib/libx.so.1": library("libx.so.1"),
            "/srv/lib/liby.so.1": library("liby.so.1"),
        },
    )

    assert paths(found) == {"libx.so.1": "/usr/local/lib/libx.so.1", "liby.so.1": "/srv/lib/liby.so.1"}
    assert PurePosixPath("/not/read") not in found.folders.configured


def test_without_a_cache_the_configuration_counts_for_nothing(tmp_path: Path) -> None:
    files: dict[str, Content] = {"/etc/ld.so.conf": b"/srv/lib\n", "/srv/lib/libx.so.1": library("libx.so.1")}

    assert [miss.name for miss in search(tmp_path, program("libx.so.1"), files).missing] == ["libx.so.1"]


def test_a_name_with_a_slash_is_a_path(tmp_path: Path) -> None:
    files: dict[str, Content] = {"/opt/libx.so.1": library("libx.so.1")}

    found = search(tmp_path, program("/opt/libx.so.1", "../opt/libx.so.1"), files)

    assert paths(found) == {"/opt/libx.so.1": "/opt/libx.so.1"}
    assert [miss.name for miss in found.missing] == ["../opt/libx.so.1"]


def musl(root: Path, *needed: str, files: dict[str, Content], **says: Any) -> Closure:
    loader: dict[str, Content] = {MUSL: library("libc.musl-x86_64.so.1")}
    return closure(
        read(program(*needed, interpreter=MUSL, **says)), tree(root, {**loader, **files}), origin=APP
    )


def test_musl_is_its_own_libc_and_looks_in_usr_local(tmp_path: Path) -> None:
    found = musl(
        tmp_path,
        "libc.musl-x86_64.so.1",
        "libpthread.so.0",
        "libx.so.1",
        files={"/usr/local/lib/libx.so.1": library("libx.so.1", "libc.so")},
    )

    assert paths(found) == {"libx.so.1": "/usr/local/lib/libx.so.1"}
    assert found.missing == ()


def test_musl_has_a_path_file_instead_of_its_folders(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "/etc/ld-musl-x86_64.path": b"/srv/lib\n/opt/lib:/usr/lib\n",
        "/opt/lib/libx.so.1": library("libx.so.1"),
        "/lib/liby.so.1": library("liby.so.1"),
    }
    found = musl(tmp_path, "libx.so.1", "liby.so.1", files=files)

    assert paths(found) == {"libx.so.1": "/opt/lib/libx.so.1"}
    assert [miss.name for miss in found.missing] == ["liby.so.1"]


def test_with_musl_runpath_counts_for_libraries_below(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "/opt/libx.so.1": library("libx.so.1", "liby.so.1"),
        "/opt/liby.so.1": library("liby.so.1"),
    }

    assert musl(tmp_path, "libx.so.1", files=files, runpath="/opt").missing == ()


def test_names_that_no_file_system_takes_are_missing_and_nothing_more(tmp_path: Path) -> None:
    long = "x" * 1000
    data = program(long, "libx.so.1", runpath=f"/{long}:/{'a/' * 500}:$NOTHING/x")
    found = search(tmp_path, data, {"/lib/libx.so.1": "libx.so.1"})

    assert [miss.name for miss in found.missing] == [long, "libx.so.1"]


def test_without_its_loader_a_program_has_none(tmp_path: Path) -> None:
    found = closure(
        read(program("libx.so.1")), tree(tmp_path, {"/lib/libx.so.1": library("libx.so.1")}), origin=APP
    )

    assert found.interpreter is None
    assert list(paths(found)) == ["libx.so.1"]


@pytest.mark.parametrize("name", ["ls", "gcc", "curl", "git", "ssh", "python3", "perl", "apt-get"])
def test_this_machines_programs_get_what_ldd_says(name: str) -> None:
    path = Path("/usr/bin", name).resolve()
    need(path.is_file(), str(path))
    said = SystemRunner().run(Command(argv=("ldd", str(path)))).stdout.decode()
    expected = {Path(place).resolve() for place in re.findall(r"(/\S+) \(0x", said)}

    found = closure(read_binary(path), LocalFiles(), origin=PurePosixPath(path.parent))

    assert found.interpreter is not None
    mapped = {Path(library.real) for library in (*found.libraries, found.interpreter)}
    assert len(expected) >= 2
    assert mapped == expected


def test_the_loader_of_this_machine_says_its_own_folders() -> None:
    found = closure(read_binary(Path("/bin/ls").resolve()), LocalFiles(), origin=APP)
    assert found.interpreter is not None
    said = SystemRunner().run(Command(argv=(str(found.interpreter.path), "--help"))).stdout.decode()

    expected = re.findall(r"^  (/\S+) \(system search path\)", said, re.MULTILINE)
    assert expected
    assert [str(folder) for folder in found.folders.built_in] == expected
