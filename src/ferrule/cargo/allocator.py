"""Which allocator a program gets: what was asked for and its crates become a choice with its reason."""

import msgspec

from ferrule.cargo.c_compiler import CCompiler, c_compiler_hint, find_c_compiler
from ferrule.cargo.graph import Graph
from ferrule.cargo.mimalloc import MIMALLOC_VERSION, brings_memcpy
from ferrule.cargo.plan import BuildPlan
from ferrule.errors import ProjectError

OWN_ALLOCATORS = (
    *("mimalloc", "mimalloc-safe", "mimalloc-rust", "mimallocator"),
    *("tikv-jemallocator", "jemallocator", "jemallocator-global"),
    *("snmalloc-rs", "rpmalloc", "scudo", "tcmalloc", "tcmalloc-better", "auto-allocator", "ferroc"),
    *("libmimalloc-sys", "libmimalloc-sys2", "libmimalloc-rust-sys", "mimalloc-sys"),
    *("tikv-jemalloc-sys", "jemalloc-sys"),
    *("snmalloc-sys", "rpmalloc-sys", "scudo-sys", "libtcmalloc-sys"),
)
"""Crates that bring an allocator; those that people name in Cargo.toml stand before their `-sys` ones."""

MUSL_IS_SLOW = "musl's own is slow where several threads allocate"
GLIBC_STAYS = "glibc's own; --allocator mimalloc is faster, and takes more memory"


class AllocatorChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The allocator ("system", "mimalloc", or "project" for one that the project brings) and the reason.

    `compiler` is what mimalloc is compiled with; `memcpy` is whether memory functions of ours come with it.
    `lacks` is what to install, where mimalloc would be the default and cannot be had.
    """

    name: str
    reason: str
    compiler: CCompiler | None = None
    memcpy: bool = False
    lacks: str = ""

    @property
    def text(self) -> str:
        """The name as a person wants it, with all that is linked."""
        if self.name != "mimalloc":
            return self.name
        return f"mimalloc {MIMALLOC_VERSION}" + (" and memcpy" if self.memcpy else "")

    @property
    def is_default(self) -> bool:
        """Whether it is what every Rust program has."""
        return self.name == "system"


def may_link_mimalloc(asked: str, plan: BuildPlan) -> bool:
    """Whether it takes a look at the program's crates to decide. `asked` is auto, system or mimalloc."""
    return asked == "mimalloc" or (asked == "auto" and plan.target.is_musl)


def choose_allocator(asked: str, why: str, plan: BuildPlan, graph: Graph) -> AllocatorChoice:
    """Decide for one target. `why` says who asked, as in "asked for by --allocator".

    Raises `ProjectError` where mimalloc is asked for and cannot be linked.
    """
    own = graph.find(*OWN_ALLOCATORS)
    if own is not None and asked == "mimalloc":
        raise ProjectError(
            f"mimalloc is {why}, and the program has an allocator already: {own.name} {own.version}",
            hint="leave that out, or remove the crate",
        )
    if own is not None:
        return AllocatorChoice(name="project", reason=f"{own.name} {own.version} is in the graph")
    if not may_link_mimalloc(asked, plan):
        return AllocatorChoice(name="system", reason=GLIBC_STAYS if asked == "auto" else why)
    host = plan.toolchain.host
    compiler = find_c_compiler(plan.target, host)
    if compiler is not None:
        reason = MUSL_IS_SLOW if asked == "auto" else why
        return AllocatorChoice(
            name="mimalloc",
            reason=f"{reason}; compiled by {compiler}",
            compiler=compiler,
            memcpy=brings_memcpy(plan.target),
        )
    lacks, hint = f"nothing here compiles C for {plan.triple}", c_compiler_hint(plan.target, host)
    if asked == "mimalloc":
        raise ProjectError(f"mimalloc is {why}, and {lacks}", hint=f"{hint}; or leave that out")
    return AllocatorChoice(name="system", reason=f"musl's own, which is slow: {lacks}", lacks=hint)
