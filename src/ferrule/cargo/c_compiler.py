"""By what C is compiled: a target and this machine's programs go in, a `CCompiler` comes out."""

import os
import shutil
from collections.abc import Iterator, Mapping

import msgspec

from ferrule.cargo.target import ZIG_HINT, Target, cross_packages
from ferrule.cargo.tools import COMPILERS

ZIG_PROCESSORS = ("x86_64", "aarch64")
GLIBC_HEADERS_FIT = ("x86_64", "aarch64")
"""Processors for which glibc's headers may stand in for musl's: see decision 34."""


class CCompiler(msgspec.Struct, frozen=True, kw_only=True):
    """A command that compiles C for the target, and what it needs in its environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __str__(self) -> str:
        return "zig" if "zig" in self.argv else self.argv[0]


def find_c_compiler(target: Target, host: str, environ: Mapping[str, str] = os.environ) -> CCompiler | None:
    """The one that the user names as for crates with C code, else the one that goes with the target's linker.

    `host` is the toolchain's own triple. None where this machine has nothing suitable.
    """
    named = next((environ[name] for name in _variables(target.triple, host) if environ.get(name)), None)
    if named:
        return CCompiler(argv=tuple(named.split()))
    if target.program != ("cargo",):
        return _zig(target)
    found = (program for program in _programs(target.triple, host) if _has(program, environ))
    return next((CCompiler(argv=(program,)) for program in found), None)


def c_compiler_hint(target: Target, host: str) -> str:
    """What to install for `find_c_compiler` to find one."""
    arch = _processor(target.triple)
    if arch == _processor(host) and "-linux-" in host:
        return "install gcc and libc6-dev (Debian), gcc (Fedora), gcc and musl-dev (Alpine)"
    gnu = _gnu(target.triple)
    if gnu in COMPILERS and (gnu == target.triple or arch in GLIBC_HEADERS_FIT):
        return f"install {cross_packages(target.platform)}, or type: {ZIG_HINT}"
    return f"type: {ZIG_HINT}"


def _variables(triple: str, host: str) -> tuple[str, ...]:
    """As the `cc` crate has them, the strongest first."""
    own = ("CC",) if triple == host else ()
    return (f"CC_{triple}", f"CC_{triple.replace('-', '_')}", "TARGET_CC", *own)


def _zig(target: Target) -> CCompiler | None:
    """zig's own compiler, through cargo-zigbuild, which knows where zig is."""
    arch = _processor(target.triple)
    if arch not in ZIG_PROCESSORS:
        return None
    libc = "musl" if target.is_musl else "gnu"
    floor = f".{target.glibc}" if target.glibc else ""
    argv = (*target.program, "zig", "cc", "--", "-target", f"{arch}-linux-{libc}{floor}")
    return CCompiler(argv=argv, env=target.env)


def _programs(triple: str, host: str) -> Iterator[str]:
    """Names to look for on PATH. Of those for musl, the ones with musl's own headers go first."""
    arch, gnu = _processor(triple), _gnu(triple)
    if triple == host:
        yield "cc"
        return
    if triple != gnu:
        yield f"{arch}-linux-musl-gcc"
        if arch == _processor(host):
            yield "musl-gcc"
        if arch not in GLIBC_HEADERS_FIT:
            return
    if gnu == host:
        yield "cc"
    if gnu in COMPILERS:
        yield f"{COMPILERS[gnu]}-gcc"


def _processor(triple: str) -> str:
    return triple.partition("-")[0]


def _gnu(triple: str) -> str:
    """The same platform with glibc."""
    return triple.replace("-musl", "-gnu")


def _has(program: str, environ: Mapping[str, str]) -> bool:
    return shutil.which(program, path=environ.get("PATH")) is not None
