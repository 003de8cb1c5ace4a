import io
from typing import Any

import pytest

from ferrule.base.choose import choose_base, choose_donor, expected_base, expected_donor
from ferrule.base.known import bases_that_run
from ferrule.elf.facts import Binary, read_elf
from ferrule.errors import ImageError
from ferrule.oci.platform import Platform
from tests.fakes.elf import Elf

AMD64 = Platform(os="linux", architecture="amd64")
ARM64 = Platform(os="linux", architecture="arm64")


def binary(*needed: str, glibc: str = "2.34", **says: Any) -> Binary:
    """A dynamic program that wants one symbol of the glibc version."""
    data = Elf(
        needed=needed or ("libc.so.6",),
        interpreter=says.pop("interpreter", "/lib64/ld-linux-x86-64.so.2"),
        versions={"libc.so.6": {f"GLIBC_{glibc}": "read"}},
        **says,
    ).bytes()
    return read_elf(io.BytesIO(data), "app", len(data))


def static() -> Binary:
    data = Elf().bytes()
    return read_elf(io.BytesIO(data), "app", len(data))


def test_auto_takes_scratch_for_a_static_binary_and_fitted_for_a_dynamic_one() -> None:
    assert (choose_base("auto", static()).name, choose_base("auto", binary()).name) == ("scratch", "fitted")
    assert choose_base("auto", binary()).image is None


@pytest.mark.parametrize(
    ("asked", "glibc", "image"),
    [
        ("distroless", "2.36", "gcr.io/distroless/cc-debian12"),
        ("distroless", "2.37", "gcr.io/distroless/cc-debian13"),
        ("debian", "2.4", "docker.io/library/debian:bookworm-slim"),
        ("debian", "2.39", "docker.io/library/debian:trixie-slim"),
    ],
)
def test_short_names_take_the_release_whose_glibc_is_new_enough(asked: str, glibc: str, image: str) -> None:
    choice = choose_base(asked, binary(glibc=glibc))

    assert (choice.image, choice.name) == (image, image)


def test_the_reason_names_the_version_that_decided() -> None:
    assert "GLIBC_2.39" in choose_base("debian", binary(glibc="2.39")).reason


@pytest.mark.parametrize("asked", ["auto", "fitted", "scratch"])
def test_a_static_binary_needs_scratch_alone_and_no_donor(asked: str) -> None:
    choice = choose_base(asked, static())

    assert (choice.name, choice.image) == ("scratch", None)
    assert choice.reason


def test_a_static_binary_takes_the_static_distroless_image() -> None:
    assert choose_base("distroless", static()).image == "gcr.io/distroless/static-debian12"
    assert choose_base("debian", static()).image == "docker.io/library/debian:bookworm-slim"


def test_other_names_are_image_references_written_out_in_full() -> None:
    assert choose_base("alpine:3.20", static()).name == "docker.io/library/alpine:3.20"
    assert choose_base("oci:out/base:v1", static()).image == "oci:out/base:v1"
    assert choose_base("Not An Image", static()).image == "Not An Image"


def test_a_dynamic_binary_on_scratch_is_refused_with_bases_that_would_do() -> None:
    with pytest.raises(ImageError) as caught:
        choose_base("scratch", binary())

    assert caught.value.exit_code == 6
    assert "/lib64/ld-linux-x86-64.so.2" in caught.value.message
    assert "fitted" in caught.value.hint


def test_a_program_without_a_loader_is_not_taken_for_static() -> None:
    with pytest.raises(ImageError, match=r"libfoo\.so\.1"):
        choose_base("scratch", binary("libfoo.so.1", interpreter=None))


def test_a_plan_expects_the_same_as_a_build_decides() -> None:
    for asked in ("auto", "fitted", "distroless", "debian", "alpine", "oci:base"):
        assert expected_base(asked, static=False) == choose_base(asked, binary())
        assert expected_base(asked, static=True) == choose_base(asked, static())


def test_known_bases_are_told_apart_by_the_newest_symbol_version() -> None:
    old, new = bases_that_run(binary(glibc="2.31")), bases_that_run(binary(glibc="2.39"))

    assert "debian:bullseye-slim" in old
    assert set(old) - set(new) == {
        "debian:bullseye-slim",
        "debian:bookworm-slim",
        "gcr.io/distroless/cc-debian12",
        "ubuntu:22.04",
    }
    assert {"fitted", "debian:trixie-slim", "ubuntu:24.04"} <= set(new)


def test_a_base_without_a_library_is_not_named() -> None:
    names = bases_that_run(binary("libc.so.6", "libssl.so.3", "libz.so.1"))

    assert "gcr.io/distroless/cc-debian12" not in names
    assert "ubuntu:24.04" in names
    assert bases_that_run(binary("libpq.so.5")) == ("fitted",)


def test_musl_programs_run_on_alpine_and_static_ones_everywhere() -> None:
    musl = binary("libc.musl-x86_64.so.1", interpreter="/lib/ld-musl-x86_64.so.1")

    assert bases_that_run(musl) == ("fitted", "alpine")
    assert {"scratch", "alpine", "ubuntu:22.04"} <= set(bases_that_run(static()))


@pytest.mark.parametrize(
    ("asked", "glibc", "here", "donor"),
    [
        (None, "2.39", AMD64, None),
        (None, "2.36", ARM64, "gcr.io/distroless/cc-debian12"),
        (None, "2.39", ARM64, "gcr.io/distroless/cc-debian13"),
        (None, "2.36", None, "gcr.io/distroless/cc-debian12"),
        ("debian:trixie-slim", "2.36", AMD64, "docker.io/library/debian:trixie-slim"),
        ("oci:out/base:v1", "2.36", AMD64, "oci:out/base:v1"),
    ],
)
def test_a_fitted_base_comes_from_this_machine_or_from_an_image(
    asked: str | None, glibc: str, here: Platform | None, donor: str | None
) -> None:
    assert choose_donor(asked, binary(glibc=glibc), here) == donor


def test_a_musl_program_of_another_processor_comes_from_alpine() -> None:
    musl = binary("libc.musl-x86_64.so.1", interpreter="/lib/ld-musl-x86_64.so.1")

    assert choose_donor(None, musl, ARM64) == "docker.io/library/alpine:3"
    assert choose_donor(None, musl, AMD64) is None


@pytest.mark.parametrize(
    ("asked", "here", "glibc", "donor"),
    [
        (None, AMD64, None, None),
        (None, ARM64, "2.28", "gcr.io/distroless/cc-debian12"),
        (None, ARM64, "2.41", "gcr.io/distroless/cc-debian12, or gcr.io/distroless/cc-debian13 where"),
        (None, ARM64, None, "gcr.io/distroless/cc-debian12, or gcr.io/distroless/cc-debian13 where"),
        (None, None, "2.36", "gcr.io/distroless/cc-debian12"),
        ("alpine", ARM64, None, "alpine"),
    ],
)
def test_the_plan_expects_the_donor_that_a_build_takes(
    asked: str | None, here: Platform | None, glibc: str | None, donor: str | None
) -> None:
    said = expected_donor(asked, AMD64, here, glibc)

    assert said == donor or (said or "").startswith(f"{donor} it needs")


def test_the_plan_names_the_donor_that_was_asked_for() -> None:
    for asked in ("auto", "fitted"):
        assert expected_base(asked, static=False, donor="alpine").reason.endswith(", from alpine")
        assert "alpine" not in expected_base(asked, static=True, donor="alpine").reason
