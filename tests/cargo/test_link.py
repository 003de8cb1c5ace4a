"""What the C library of the machine has to say about static programs."""

import pytest

from ferrule.cargo.link import libc_of_this_machine, objection_of_libc

OLD = "glibc 2.31 would look up hosts and users by shared libraries, which 2.34 has built in"


@pytest.mark.parametrize(
    ("version", "objection"),
    [("glibc 2.31", OLD), ("glibc 2.34", None), ("glibc 2.36.9000", None), ("glibc 3.0", None), ("", None)],
)
def test_an_old_glibc_finds_no_host_in_a_static_program(version: str, objection: str | None) -> None:
    assert objection_of_libc(version) == objection


def test_the_machine_s_own_is_known_where_it_is_glibc() -> None:
    assert libc_of_this_machine().startswith("glibc 2.")
