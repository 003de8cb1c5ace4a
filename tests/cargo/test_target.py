"""By what programs for a platform are linked, decided without any of the tools."""

from pathlib import Path

import pytest

from ferrule.cargo.target import (
    TRIPLES,
    CrossCompiler,
    Target,
    Tools,
    choose_target,
    platform_of,
    triple_of,
)
from ferrule.errors import ProjectError, UsageError
from ferrule.oci.platform import Platform, parse_platform

AMD64, ARM64 = parse_platform("linux/amd64"), parse_platform("linux/arm64")
I386, ARMV7 = parse_platform("linux/386"), parse_platform("linux/arm/v7")
LINUX, MAC = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"
ZIG = Tools(zig=Path("/bin/cargo-zigbuild"), python=Path("/bin/python3"))
LLD = Tools(has_rust_lld=True)
CROSS = Tools(compilers={"aarch64-unknown-linux-gnu": CrossCompiler(program="arm-gcc", has_static_libc=True)})
NO_LIBC = Tools(
    compilers={"aarch64-unknown-linux-gnu": CrossCompiler(program="arm-gcc", has_static_libc=False)}
)
OWN = Tools(own_linkers=frozenset(("aarch64-unknown-linux-gnu", "aarch64-unknown-linux-musl")))


def chosen(
    platform: Platform, link: str, tools: Tools, *, host: str = LINUX, glibc: str | None = None
) -> Target:
    return choose_target(platform, link, glibc, host, tools)


@pytest.mark.parametrize("link", ["auto", "static", "dynamic"])
def test_this_machine_s_own_platform_takes_cargo_alone(link: str) -> None:
    target = chosen(AMD64, link, ZIG)
    assert target == Target(platform=AMD64, triple=LINUX)
    assert target.is_native


@pytest.mark.parametrize(
    ("platform", "link", "tools", "host", "triple", "mode", "program"),
    [
        (AMD64, "musl", Tools(), LINUX, "x86_64-unknown-linux-musl", "static", "cargo"),
        (AMD64, "musl", ZIG, LINUX, "x86_64-unknown-linux-musl", "static", "/bin/cargo-zigbuild"),
        (ARM64, "musl", LLD, LINUX, "aarch64-unknown-linux-musl", "static", "cargo"),
        (ARM64, "musl", ZIG, LINUX, "aarch64-unknown-linux-musl", "static", "/bin/cargo-zigbuild"),
        (ARM64, "musl", OWN, LINUX, "aarch64-unknown-linux-musl", "static", "cargo"),
        (ARM64, "musl", LLD, MAC, "aarch64-unknown-linux-musl", "static", "cargo"),
        (ARM64, "auto", CROSS, LINUX, "aarch64-unknown-linux-gnu", None, "cargo"),
        (ARM64, "static", CROSS, LINUX, "aarch64-unknown-linux-gnu", None, "cargo"),
        (ARM64, "dynamic", NO_LIBC, LINUX, "aarch64-unknown-linux-gnu", None, "cargo"),
        (ARM64, "auto", ZIG, LINUX, "aarch64-unknown-linux-gnu", "dynamic", "/bin/cargo-zigbuild"),
        (ARM64, "auto", OWN, LINUX, "aarch64-unknown-linux-gnu", None, "cargo"),
        (AMD64, "auto", ZIG, MAC, "x86_64-unknown-linux-gnu", "dynamic", "/bin/cargo-zigbuild"),
    ],
)
def test_other_platforms_are_linked_by_what_is_there(
    platform: Platform, link: str, tools: Tools, host: str, triple: str, mode: str | None, program: str
) -> None:
    target = chosen(platform, link, tools, host=host)
    assert (target.triple, target.link, target.program) == (triple, mode, (program,))
    assert not target.is_native
    assert (target.reason != "") == (mode is not None)


def test_a_cross_compiler_is_named_to_cargo_for_its_triple_alone() -> None:
    env = chosen(ARM64, "auto", CROSS).env
    assert env == {"CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER": "arm-gcc"}


def test_an_older_glibc_stands_behind_the_triple() -> None:
    target = chosen(AMD64, "auto", ZIG, glibc="2.28")
    assert (target.triple, target.triple_flag) == (LINUX, f"{LINUX}.2.28")
    assert (target.link, target.env) == ("dynamic", {"CARGO_ZIGBUILD_PYTHON_PATH": "/bin/python3"})


@pytest.mark.parametrize(
    ("platform", "link", "glibc", "tools", "cause", "hint"),
    [
        (ARM64, "auto", None, Tools(), "nothing here links for aarch64-unknown-linux-gnu", "ferrule[zig]"),
        (ARM64, "auto", None, NO_LIBC, "nothing here links for aarch64-unknown-linux-gnu", "libc6-dev-arm64"),
        (ARM64, "auto", None, LLD, "nothing here links", "choose --link musl"),
        (I386, "auto", None, Tools(), "nothing here links", "gcc-i686-linux-gnu and libc6-dev-i386-cross"),
        (ARMV7, "auto", None, Tools(), "nothing here links", "gcc-arm-linux-gnueabihf and libc6-dev-armhf-"),
        (ARM64, "musl", None, Tools(), "nothing here links for aarch64-unknown-linux-musl", "ferrule[zig]"),
        (ARM64, "static", None, ZIG, "zig links no static glibc for linux/arm64", "--link musl"),
        (AMD64, "auto", "2.28", Tools(), "to link against glibc 2.28 takes zig", "ferrule[zig]"),
    ],
)
def test_what_nothing_here_can_link_is_refused_with_what_to_install(
    platform: Platform, link: str, glibc: str | None, tools: Tools, cause: str, hint: str
) -> None:
    with pytest.raises(ProjectError, match=cause) as refused:
        chosen(platform, link, tools, glibc=glibc)
    assert hint in refused.value.hint


def test_no_packages_are_named_where_debian_has_none() -> None:
    with pytest.raises(ProjectError) as refused:
        chosen(parse_platform("linux/loong64"), "auto", Tools())
    assert refused.value.hint == "type: pipx inject ferrule 'ferrule[zig]'"


@pytest.mark.parametrize("link", ["static", "musl"])
def test_an_oldest_glibc_and_a_static_program_contradict_each_other(link: str) -> None:
    with pytest.raises(UsageError, match="is for dynamic programs"):
        chosen(AMD64, link, ZIG, glibc="2.28")


def test_triples_and_platforms_are_each_other_s_inverse() -> None:
    for name in TRIPLES:
        platform = parse_platform(f"linux/{name}")
        for libc in ("gnu", "musl"):
            assert platform_of(triple_of(platform, libc)) == platform
    assert triple_of(parse_platform("linux/arm64/v8"), "gnu") == "aarch64-unknown-linux-gnu"
    assert platform_of(MAC) is None


@pytest.mark.parametrize("name", ["windows/amd64", "linux/mips64", "linux/arm/v5"])
def test_platforms_that_rust_has_no_server_for_are_named(name: str) -> None:
    with pytest.raises(UsageError, match=f"ferrule builds nothing for {name}"):
        triple_of(parse_platform(name), "gnu")
