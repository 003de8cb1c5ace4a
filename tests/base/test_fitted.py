from pathlib import Path, PurePosixPath

import pytest

from ferrule.base.fitted import Donor, Fitted, fitted
from ferrule.elf.facts import read_binary
from ferrule.errors import ImageError
from ferrule.image.tree import tree_of
from tests.fakes.elf import GLIBC_LOADER, Elf, library, program
from tests.fakes.images import entry, image_of, link, tar_of
from tests.fakes.packages import apk, dpkg, rpm_database, rpm_header
from tests.fakes.trees import Content, tree

HOME = "/lib/x86_64-linux-gnu"
LIBC = library("libc.so.6", "ld-linux-x86-64.so.2", defines=("libc.so.6", "GLIBC_2.34"))
DONOR: dict[str, Content] = {
    GLIBC_LOADER: library("ld-linux-x86-64.so.2"),
    f"{HOME}/libc.so.6": LIBC,
    f"{HOME}/libgcc_s.so.1": library("libgcc_s.so.1", "libc.so.6"),
}


def fit(folder: Path, data: bytes, files: dict[str, Content] | None = None, *libraries: str) -> Fitted:
    """Fit a program that lies in `folder` to a donor with the files."""
    donor = Donor(files=tree(folder / "donor", {**DONOR, **(files or {})}))
    return fitted((read_binary(written(folder, data)),), donor, libraries)


def written(folder: Path, data: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "shop"
    path.write_bytes(data)
    return path


def layout(found: Fitted) -> dict[str, str]:
    """Path → what a link says, or `file`."""
    return {str(entry.path): entry.target or entry.kind for entry in found.entries}


def test_a_static_program_gets_nothing(tmp_path: Path) -> None:
    assert fit(tmp_path, Elf().bytes()) == Fitted()


def test_the_loader_the_libraries_and_libgcc_come_and_nothing_else(tmp_path: Path) -> None:
    found = fit(tmp_path, program("libc.so.6"), {f"{HOME}/libother.so.1": library("libother.so.1")})

    assert layout(found) == {
        GLIBC_LOADER: "file",
        f"{HOME}/libc.so.6": "file",
        f"{HOME}/libgcc_s.so.1": "file",
    }
    assert {entry.path.name: entry.mode for entry in found.entries} == {
        "ld-linux-x86-64.so.2": 0o755,
        "libc.so.6": 0o644,
        "libgcc_s.so.1": 0o644,
    }


def test_a_library_is_a_file_under_its_real_name_with_links_for_the_others(tmp_path: Path) -> None:
    found = fit(
        tmp_path,
        program("libz.so.1", "libz.so"),
        {
            f"{HOME}/libz.so.1.2.13": library("libz.so.1"),
            f"{HOME}/libz.so.1": "libz.so.1.2.13",
            f"{HOME}/libz.so": "libz.so.1",
        },
    )

    assert {path: what for path, what in layout(found).items() if "libz" in path} == {
        f"{HOME}/libz.so.1.2.13": "file",
        f"{HOME}/libz.so.1": "libz.so.1.2.13",
        f"{HOME}/libz.so": "libz.so.1.2.13",
    }


def test_on_a_merged_donor_the_loader_is_a_file_where_the_program_asks_for_it(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "/lib": "usr/lib",
        "/lib64": "usr/lib64",
        "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": library("ld-linux-x86-64.so.2"),
        "/usr/lib64/ld-linux-x86-64.so.2": "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "/usr/lib/x86_64-linux-gnu/libc.so.6": LIBC,
    }
    binary = read_binary(written(tmp_path, program("libc.so.6")))

    found = fitted((binary,), Donor(files=tree(tmp_path / "donor", files)))

    assert layout(found) == {GLIBC_LOADER: "file", "/usr/lib/x86_64-linux-gnu/libc.so.6": "file"}


@pytest.mark.parametrize(
    ("says", "files"),
    [
        (
            {},
            {
                "/usr/local/lib/libx.so.1": b"",
                "/etc/ld.so.cache": b"",
                "/etc/ld.so.conf": b"/usr/local/lib\n",
            },
        ),
        ({"runpath": "/build/target/release/deps"}, {"/build/target/release/deps/libx.so.1": b""}),
        ({"rpath": "/opt/$LIB"}, {"/opt/lib64/libx.so.1": b""}),
    ],
)
def test_a_library_outside_the_loaders_folders_moves_into_one(
    tmp_path: Path, says: dict[str, str], files: dict[str, Content]
) -> None:
    content = library("libx.so.1", "liby.so.1", runpath="$ORIGIN/private")
    place = next(PurePosixPath(name) for name in files if name.endswith("libx.so.1"))
    private: dict[str, Content] = {f"{place.parent}/private/liby.so.1": library("liby.so.1")}

    found = fit(tmp_path, program("libx.so.1", **says), {**files, str(place): content, **private})

    assert {path for path in layout(found) if "libx" in path or "liby" in path} == {
        f"{HOME}/libx.so.1",
        f"{HOME}/liby.so.1",
    }


def test_a_library_beside_the_program_moves_too(tmp_path: Path) -> None:
    """Its `$ORIGIN` here is this machine's folder, which the image does not have."""
    donor = tree(tmp_path, DONOR)
    (tmp_path / "libx.so.1").write_bytes(library("libx.so.1"))
    path = tmp_path / "shop"
    path.write_bytes(program("libx.so.1", runpath=f"$ORIGIN{'/..' * (len(tmp_path.parts) - 1)}"))

    assert f"{HOME}/libx.so.1" in layout(fitted((read_binary(path),), Donor(files=donor)))


def test_beside_the_program_is_where_it_lies_and_not_where_a_link_to_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "real", program("libx.so.1", runpath="$ORIGIN/lib"))
    (tmp_path / "shop").symlink_to(path)
    beside: dict[str, Content] = {f"{tmp_path}/real/lib/libx.so.1": library("libx.so.1")}
    donor = tree(tmp_path / "donor", {**DONOR, **beside})

    found = fitted((read_binary(tmp_path / "shop"),), Donor(files=donor))

    assert f"{HOME}/libx.so.1" in layout(found)


def test_two_files_of_one_name_stay_two(tmp_path: Path) -> None:
    found = fit(
        tmp_path,
        program("libx.so.1", "liby.so.1", runpath="/opt/links"),
        {
            "/opt/x/real.so": library("libx.so.1"),
            "/opt/y/real.so": library("liby.so.1"),
            "/opt/links/libx.so.1": "/opt/x/real.so",
            "/opt/links/liby.so.1": "/opt/y/real.so",
        },
    )

    assert layout(found)[f"{HOME}/liby.so.1"] == "file"
    assert layout(found)[f"{HOME}/libx.so.1"] == "real.so"


def test_musl_gets_no_libgcc(tmp_path: Path) -> None:
    loader = "/lib/ld-musl-x86_64.so.1"
    data = program("libc.so", interpreter=loader)

    assert layout(fit(tmp_path, data, {loader: library("libc.musl-x86_64.so.1")})) == {loader: "file"}


def test_a_library_that_is_not_here_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        fit(tmp_path, program("libpq.so.5"))

    assert caught.value.message == "the program needs libpq.so.5; this machine lacks it"
    assert "install" in caught.value.hint


def test_a_glibc_that_is_too_old_here_is_an_error_with_bases_that_are_not_fitted(tmp_path: Path) -> None:
    data = program("libc.so.6", versions={"libc.so.6": {"GLIBC_2.39": "pidfd_spawnp"}})

    with pytest.raises(ImageError) as caught:
        fit(tmp_path, data)

    assert "this machine has up to GLIBC_2.34" in caught.value.message
    assert "debian:trixie-slim" in caught.value.hint
    assert "fitted" not in caught.value.hint


def test_a_program_without_a_loader_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="names no loader"):
        fit(tmp_path, Elf(needed=("libc.so.6",)).bytes())


def test_packages_are_asked_for_with_both_paths_of_a_file(tmp_path: Path) -> None:
    packages = {
        "libc6:amd64": (GLIBC_LOADER, f"{HOME}/libc.so.6"),
        "libgcc-s1:amd64": (f"/usr{HOME}/libgcc_s.so.1",),
    }

    found = fit(tmp_path, program("libc.so.6"), dpkg(packages))

    assert found.packages == ("libc6 1.0-1", "libgcc-s1 1.0-1")
    assert found.notes == ()


def test_a_musl_program_on_an_alpine_donor_is_recorded_by_apk(tmp_path: Path) -> None:
    loader = "/lib/ld-musl-x86_64.so.1"
    files: dict[str, Content] = {
        loader: library("libc.musl-x86_64.so.1"),
        "/usr/lib/libz.so.1.3.1": library("libz.so.1"),
        "/usr/lib/libz.so.1": "libz.so.1.3.1",
        "/lib/apk/db/installed": apk({"musl": (loader,), "zlib": ("/usr/lib/libz.so.1.3.1",)}),
    }

    found = fit(tmp_path, program("libz.so.1", "libc.so", interpreter=loader), files)

    assert found.packages == ("musl 1.2.5-r0", "zlib 1.2.5-r0")
    assert {loader, "/usr/lib/libz.so.1.3.1", "/lib/apk/db/installed"} <= set(layout(found))


def test_a_program_on_a_donor_of_the_red_hat_family_is_recorded_by_rpm(tmp_path: Path) -> None:
    """There /lib64 is a link, and the packages say /lib64."""
    loader = "ld-linux-x86-64.so.2"
    files: dict[str, Content] = {
        "/lib64": "usr/lib64",
        f"/usr/lib64/{loader}": library(loader),
        "/usr/lib64/libc.so.6": LIBC,
        "/usr/lib/sysimage/rpm/rpmdb.sqlite": rpm_database(
            tmp_path / "rpmdb", [rpm_header("glibc", (f"/lib64/{loader}", "/lib64/libc.so.6"))]
        ),
    }
    binary = read_binary(written(tmp_path, program("libc.so.6")))

    found = fitted((binary,), Donor(files=tree(tmp_path / "donor", files), name="fedora"))

    assert (found.packages, found.notes) == (("glibc 2.34-100.el9",), ())
    assert {GLIBC_LOADER, "/usr/lib64/libc.so.6"} < set(layout(found))


def test_several_programs_share_their_files_and_one_record_names_those_of_all(tmp_path: Path) -> None:
    files = {f"{HOME}/libx.so.1": library("libx.so.1"), f"{HOME}/liby.so.1": library("liby.so.1")}
    owned = dpkg({"libxy:amd64": (f"{HOME}/libx.so.1", f"{HOME}/liby.so.1")})
    donor = Donor(files=tree(tmp_path / "donor", {**DONOR, **files, **owned}))
    data = {"x": program("libx.so.1", "libc.so.6"), "y": program("liby.so.1"), "static": Elf().bytes()}
    binaries = tuple(read_binary(written(tmp_path / name, content)) for name, content in data.items())

    found = fitted(binaries, donor)

    paths = [str(one.path) for one in found.entries]
    assert len(paths) == len(set(paths))
    assert {f"{HOME}/libx.so.1", f"{HOME}/liby.so.1", f"{HOME}/libc.so.6", GLIBC_LOADER} <= set(paths)
    sums = next(one.source for one in found.entries if one.path.suffix == ".md5sums")
    assert sums == f"0123  {HOME[1:]}/libx.so.1\n0123  {HOME[1:]}/liby.so.1\n".encode()


def test_the_donor_may_be_an_image(tmp_path: Path) -> None:
    files = [entry(name.lstrip("/"), data) for name, data in DONOR.items() if isinstance(data, bytes)]
    links = [link("lib/x86_64-linux-gnu/libx.so.1", "libc.so.6")]
    binary = read_binary(written(tmp_path, program("libc.so.6")))

    with tree_of(image_of(tmp_path / "image", (tar_of([*files, *links]),))) as donor:
        found = fitted((binary,), Donor(files=donor, name="debian"))

    sources = {str(one.path): one.source for one in found.entries}
    assert sources[f"{HOME}/libc.so.6"] == LIBC


def test_a_donor_that_lacks_something_is_named_with_others_that_have_it(tmp_path: Path) -> None:
    binary = read_binary(written(tmp_path, program("libz.so.1", "libc.so.6")))
    donor = Donor(files=tree(tmp_path / "donor", DONOR), name="gcr.io/distroless/cc-debian12")

    with pytest.raises(ImageError) as caught:
        fitted((binary,), donor)

    assert caught.value.message == "the program needs libz.so.1; gcr.io/distroless/cc-debian12 lacks it"
    assert caught.value.hint.startswith("donors that would do: debian:bullseye-slim, ")


def test_what_lies_beside_the_program_here_is_not_in_an_image(tmp_path: Path) -> None:
    path = written(tmp_path, program("libx.so.1", runpath="$ORIGIN"))
    beside: dict[str, Content] = {f"{tmp_path}/libx.so.1": library("libx.so.1")}
    donor = tree(tmp_path / "donor", {**DONOR, **beside})

    with pytest.raises(ImageError, match=r"needs libx\.so\.1; some/image lacks it"):
        fitted((read_binary(path),), Donor(files=donor, name="some/image"))
