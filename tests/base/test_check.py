import io
from pathlib import Path

import pytest

from ferrule.base.check import check
from ferrule.elf.facts import Binary, read_elf
from ferrule.elf.files import LocalFiles
from ferrule.errors import ImageError
from tests.fakes.elf import AARCH64, GLIBC_LOADER, Elf, library, program
from tests.fakes.trees import Content, tree

DEBIAN = "docker.io/library/debian:bookworm-slim"
VERSIONS = ("libc.so.6", "GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.36", "GLIBC_PRIVATE")
BASE: dict[str, Content] = {
    GLIBC_LOADER: library("ld-linux-x86-64.so.2", defines=("ld-linux-x86-64.so.2", "GLIBC_2.3")),
    "/lib/x86_64-linux-gnu/libc.so.6": library("libc.so.6", "ld-linux-x86-64.so.2", defines=VERSIONS),
}


def written(folder: Path, data: bytes) -> Binary:
    path = folder / "shop"
    path.write_bytes(data)
    return read_elf(io.BytesIO(data), str(path), len(data))


def refusal(folder: Path, data: bytes, files: dict[str, Content], name: str = DEBIAN) -> ImageError:
    with pytest.raises(ImageError) as caught:
        check(written(folder, data), tree(folder / "root", files), name)
    assert caught.value.exit_code == 6
    return caught.value


def wants(version: str, symbol: str = "read") -> bytes:
    return program("libc.so.6", versions={"libc.so.6": {version: symbol}})


def test_what_the_base_has_passes(tmp_path: Path) -> None:
    data = program(
        "libc.so.6",
        versions={"libc.so.6": {"GLIBC_2.34": "main"}, "ld-linux-x86-64.so.2": {"GLIBC_2.3": "tls"}},
    )
    check(written(tmp_path, data), tree(tmp_path / "root", BASE), DEBIAN)


def test_a_newer_symbol_version_is_told_with_the_symbol_and_what_the_base_has(tmp_path: Path) -> None:
    error = refusal(tmp_path, wants("GLIBC_2.39", "pidfd_spawnp"), BASE)

    assert error.message == f"the program needs GLIBC_2.39 (pidfd_spawnp); {DEBIAN} has up to GLIBC_2.36"
    assert (
        error.hint
        == "bases that would do: fitted, gcr.io/distroless/cc-debian13, debian:trixie-slim, ubuntu:24.04"
    )


def test_a_version_that_is_only_used_where_it_is_there_passes(tmp_path: Path) -> None:
    wanted = {"libc.so.6": {"GLIBC_2.34": "main", "GLIBC_2.39": "pidfd_spawnp"}}
    data = program("libc.so.6", versions=wanted, weak=("GLIBC_2.39",))

    check(written(tmp_path, data), tree(tmp_path / "root", BASE), DEBIAN)


def test_the_library_that_needs_the_version_is_named(tmp_path: Path) -> None:
    needy = library("libx.so.1", "libc.so.6", versions={"libc.so.6": {"GLIBC_2.38": "strlcpy"}})

    error = refusal(tmp_path, program("libx.so.1", "libc.so.6"), {**BASE, "/lib/libx.so.1": needy})

    assert error.message.startswith("libx.so.1 needs GLIBC_2.38;")


def test_versions_of_other_libraries_are_checked_too(tmp_path: Path) -> None:
    data = program("libssl.so.3", versions={"libssl.so.3": {"OPENSSL_3.2.0": "SSL_new"}})
    old = library("libssl.so.3", defines=("libssl.so.3", "OPENSSL_3.0.0"))

    error = refusal(tmp_path, data, {**BASE, "/usr/lib/libssl.so.3": old})

    assert "OPENSSL_3.2.0 (SSL_new)" in error.message
    assert error.message.endswith("has up to OPENSSL_3.0.0")


def test_a_library_without_versions_is_taken_as_the_loader_takes_it(tmp_path: Path) -> None:
    data = program("libz.so.1", versions={"libz.so.1": {"ZLIB_1.2.9": "gzopen"}})
    check(
        written(tmp_path, data),
        tree(tmp_path / "root", {**BASE, "/lib/libz.so.1": library("libz.so.1")}),
        DEBIAN,
    )


def test_a_missing_library_is_told_with_who_needs_it(tmp_path: Path) -> None:
    needy = library("libpq.so.5", "libldap.so.2")

    error = refusal(tmp_path, program("libpq.so.5"), {**BASE, "/lib/libpq.so.5": needy})

    assert error.message == f"libpq.so.5 needs libldap.so.2; {DEBIAN} lacks it"
    assert error.hint == "bases that would do: fitted"


def test_many_missing_libraries_stay_one_line(tmp_path: Path) -> None:
    error = refusal(tmp_path, program(*(f"lib{number}.so" for number in range(9))), BASE)

    assert "the program needs lib2.so (and 6 more)" in error.message
    assert "lib3.so" not in error.message


def test_a_library_for_another_processor_does_not_count(tmp_path: Path) -> None:
    error = refusal(
        tmp_path, program("libx.so.1"), {**BASE, "/lib/libx.so.1": library("libx.so.1", machine=AARCH64)}
    )

    assert "/lib/libx.so.1 is not for x86-64" in error.message


def test_a_glibc_program_on_musl_is_told_which_loader_is_there(tmp_path: Path) -> None:
    error = refusal(
        tmp_path,
        wants("GLIBC_2.34"),
        {"/lib/ld-musl-x86_64.so.1": library("libc.musl-x86_64.so.1")},
        "alpine:3.20",
    )

    assert error.message == (
        f"the program needs {GLIBC_LOADER}; alpine:3.20 lacks it: it has ld-musl-x86_64.so.1"
    )
    assert "debian:bookworm-slim" in error.hint


def test_a_base_with_no_loader_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()

    error = refusal(tmp_path, wants("GLIBC_2.34"), {}, "gcr.io/distroless/static-debian12")

    assert error.message == f"the program needs {GLIBC_LOADER}; gcr.io/distroless/static-debian12 lacks it"


def test_a_base_for_another_processor_is_refused_as_that(tmp_path: Path) -> None:
    loader: dict[str, Content] = {
        "/lib/ld-linux-aarch64.so.1": library("ld-linux-aarch64.so.1", machine=AARCH64)
    }

    error = refusal(tmp_path, wants("GLIBC_2.34"), loader)

    assert error.message == f"{DEBIAN} is for AArch64, the program for x86-64"
    assert "linux/amd64" in error.hint


def test_a_program_with_libraries_and_no_loader_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, Elf(needed=("libfoo.so.1",)).bytes(), BASE)

    assert error.message.startswith("the program needs libfoo.so.1 but names no loader")


class NothingIsRead(LocalFiles):
    def resolve(self, path: object) -> None:
        raise AssertionError(f"{path} was looked up")


def test_for_a_static_program_nothing_is_read(tmp_path: Path) -> None:
    binary = written(tmp_path, Elf().bytes())

    assert binary.is_static
    check(binary, NothingIsRead(), DEBIAN)


def test_this_machine_runs_its_own_programs() -> None:
    path = Path("/bin/ls").resolve()
    with path.open("rb") as stream:
        binary = read_elf(stream, str(path), path.stat().st_size)

    assert binary.needed
    check(binary, LocalFiles(), "this machine")
