"""What cargo compiles for: a platform, a link mode and this machine's tools go in, a `Target` comes out."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ferrule.errors import ProjectError, UsageError
from ferrule.oci.platform import Platform

TRIPLES = {
    "amd64": "x86_64-unknown-linux-{}",
    "arm64": "aarch64-unknown-linux-{}",
    "386": "i686-unknown-linux-{}",
    "arm/v7": "armv7-unknown-linux-{}eabihf",
    "arm/v6": "arm-unknown-linux-{}eabihf",
    "riscv64": "riscv64gc-unknown-linux-{}",
    "ppc64le": "powerpc64le-unknown-linux-{}",
    "s390x": "s390x-unknown-linux-{}",
    "loong64": "loongarch64-unknown-linux-{}",
}
"""Processor, as OCI names it → its target triple, for gnu or musl."""

DEBIAN_CROSS = {
    "amd64": ("x86-64-linux-gnu", "amd64"),
    "arm64": ("aarch64-linux-gnu", "arm64"),
    "386": ("i686-linux-gnu", "i386"),
    "arm/v7": ("arm-linux-gnueabihf", "armhf"),
    "riscv64": ("riscv64-linux-gnu", "riscv64"),
    "ppc64le": ("powerpc64le-linux-gnu", "ppc64el"),
    "s390x": ("s390x-linux-gnu", "s390x"),
}
"""Processor → Debian's names for its compiler and its libc, by the package index of Debian 12."""

ALSO_CALLED = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "arm": "arm/v7", "armv7": "arm/v7"}
"""Processor, as others name it → as OCI does."""

STATIC_MUSL = "musl is linked statically"
ZIG_HINT = "pipx inject ferrule 'ferrule[zig]'"


class CrossCompiler(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution's C compiler for another processor. `has_static_libc`: it brings a libc.a."""

    program: str
    has_static_libc: bool


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine can link with. `zig` is cargo-zigbuild, and `python` the one that has its zig.

    `own_linkers` are the triples for which the project or its environment names a linker already.
    """

    zig: Path | None = None
    python: Path | None = None
    compilers: Mapping[str, CrossCompiler] = msgspec.field(default_factory=dict)
    has_rust_lld: bool = False
    own_linkers: frozenset[str] = frozenset()


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A target triple and how programs for it are linked.

    `link` is the link mode where there is no choice, else None, with the `reason`. `linker` is for a person.
    `program` is the command in front of `rustc`; `flags` are rustc's for the final crate; `triple_flag` is
    what stands behind `--target`. `is_native` is false where this machine's own libraries cannot be linked.
    """

    platform: Platform
    triple: str
    link: str | None = None
    reason: str = ""
    linker: str = "this machine's own linker"
    program: tuple[str, ...] = ("cargo",)
    flags: tuple[str, ...] = ()
    env: Mapping[str, str] = msgspec.field(default_factory=dict)
    glibc: str | None = None
    is_native: bool = True

    @property
    def triple_flag(self) -> str:
        """The triple as cargo-zigbuild takes it: the glibc to link against stands behind a dot."""
        return f"{self.triple}.{self.glibc}" if self.glibc else self.triple

    @property
    def is_musl(self) -> bool:
        """Whether the C library is musl."""
        return "-musl" in self.triple


def choose_target(platform: Platform, link: str, glibc: str | None, host: str, tools: Tools) -> Target:
    """Decide by what programs for the platform are linked. `host` is the toolchain's own triple.

    Raises `ProjectError` when this machine has nothing that could, with what to install.
    """
    musl, gnu = triple_of(platform, "musl"), triple_of(platform, "gnu")
    if glibc is not None:
        return _with_floor(platform, gnu, link, glibc, tools)
    if link == "musl":
        return _musl(platform, musl, host, tools)
    if gnu == host:
        return Target(platform=platform, triple=gnu)
    return _foreign(platform, gnu, link, tools)


def triple_of(platform: Platform, libc: str) -> str:
    """The triple of a platform for `gnu` or `musl`. Raises `UsageError` for one that Rust does not know."""
    name = str(platform).removeprefix("linux/").removesuffix("/v8")
    if platform.os != "linux" or name not in TRIPLES:
        listed = ", ".join(f"linux/{known}" for known in TRIPLES)
        near = f"did you mean linux/{ALSO_CALLED[name]}? " if name in ALSO_CALLED else ""
        raise UsageError(f"ferrule builds nothing for {platform}", hint=f"{near}it builds for {listed}")
    return TRIPLES[name].format(libc)


def platform_of(triple: str) -> Platform | None:
    """The platform of a Linux triple that is in the table, else None."""
    for name, form in TRIPLES.items():
        if triple in (form.format("gnu"), form.format("musl")):
            architecture, _, variant = name.partition("/")
            return Platform(os="linux", architecture=architecture, variant=variant)
    return None


def _with_floor(platform: Platform, triple: str, link: str, glibc: str, tools: Tools) -> Target:
    if link in ("static", "musl"):
        raise UsageError(
            f"--glibc {glibc} is for dynamic programs, and --link {link} makes a static one",
            hint="leave one of them out",
        )
    if tools.zig is None:
        raise ProjectError(f"to link against glibc {glibc} takes zig", hint=f"type: {ZIG_HINT}")
    reason = f"it is to run with glibc {glibc}, which zig links against"
    return _by_zig(platform, triple, tools, link="dynamic", reason=reason, glibc=glibc)


def _musl(platform: Platform, triple: str, host: str, tools: Tools) -> Target:
    if triple in tools.own_linkers:
        return _own(platform, triple, "static")
    if tools.zig is not None:
        return _by_zig(platform, triple, tools, link="static", reason=STATIC_MUSL)
    if triple.partition("-")[0] == host.partition("-")[0] and "-linux-" in host:
        return Target(platform=platform, triple=triple, link="static", reason=STATIC_MUSL, is_native=False)
    if tools.has_rust_lld:
        return Target(
            platform=platform,
            triple=triple,
            link="static",
            reason=STATIC_MUSL,
            linker="rust-lld: crates with C code would need zig",
            flags=("-C", "linker=rust-lld"),
            is_native=False,
        )
    raise ProjectError(f"nothing here links for {triple}", hint=f"type: {ZIG_HINT}")


def _foreign(platform: Platform, triple: str, link: str, tools: Tools) -> Target:
    """glibc for another processor: static by the distribution's compiler, else dynamic by zig."""
    if triple in tools.own_linkers:
        return _own(platform, triple, None)
    compiler = tools.compilers.get(triple)
    if compiler is not None and (compiler.has_static_libc or link == "dynamic"):
        variable = f"CARGO_TARGET_{triple.upper().replace('-', '_')}_LINKER"
        return Target(
            platform=platform,
            triple=triple,
            linker=compiler.program,
            env={variable: compiler.program},
            is_native=False,
        )
    packages = cross_packages(platform)
    if tools.zig is None:
        ways = [f"type: {ZIG_HINT}", *([f"install {packages}"] if packages else [])]
        ways += ["choose --link musl, which Rust's own linker can do"] if tools.has_rust_lld else []
        raise ProjectError(f"nothing here links for {triple}", hint=", or ".join(ways))
    if link == "static":
        ways = [*([f"install {packages}"] if packages else []), "choose --link musl"]
        raise ProjectError(f"zig links no static glibc for {platform}", hint=", or ".join(ways))
    would = f" {packages} would, and" if packages else ""
    reason = f"zig links no static glibc;{would} --link musl makes it static"
    return _by_zig(platform, triple, tools, link="dynamic", reason=reason)


def _by_zig(
    platform: Platform, triple: str, tools: Tools, *, link: str, reason: str, glibc: str | None = None
) -> Target:
    return Target(
        platform=platform,
        triple=triple,
        link=link,
        reason=reason,
        linker="zig",
        program=(str(tools.zig),),
        env={"CARGO_ZIGBUILD_PYTHON_PATH": str(tools.python)} if tools.python else {},
        glibc=glibc,
        is_native=False,
    )


def _own(platform: Platform, triple: str, link: str | None) -> Target:
    return Target(
        platform=platform,
        triple=triple,
        link=link,
        reason=STATIC_MUSL if link else "",
        linker="the linker that the project names",
        is_native=False,
    )


def cross_packages(platform: Platform) -> str:
    """Debian's packages with a cross compiler and its libc.a; empty where there are none."""
    compiler, libc = DEBIAN_CROSS.get(str(platform).removeprefix("linux/").removesuffix("/v8"), ("", ""))
    return f"Debian's gcc-{compiler} and libc6-dev-{libc}-cross" if compiler else ""
