"""The probe and the init of an image: settings and what rustc is there go in, the two programs come out."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from ferrule.base.entry import FileEntry
from ferrule.cargo.plan import BuildPlan
from ferrule.cargo.target import triple_of
from ferrule.cargo.toolchain import read_toolchain
from ferrule.cargo.tools import add_target
from ferrule.config import Settings
from ferrule.errors import BuildError, ProjectError
from ferrule.oci.platform import Platform
from ferrule.probe.compile import PROCESSORS, compile_program, recall_program
from ferrule.probe.place import INIT, PROBE
from ferrule.verbs.context import Context

WITHOUT = {"probe": 'health = { command = ["…"] } asks the program itself', "init": "leave out init"}
"""Program → how an image does without it."""


class Aids(msgspec.Struct, frozen=True, kw_only=True):
    """What ferrule adds to the user's program; None where it is not asked for, or there is none."""

    probe: bytes | None = None
    init: bytes | None = None

    @property
    def title(self) -> str:
        """The layer's, empty without any."""
        names = {"health probe": self.probe, "init": self.init}
        return " and ".join(name for name, program in names.items() if program)

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """Everybody may run them, and nobody but root change them."""
        programs = {PROBE: self.probe, INIT: self.init}
        return tuple(
            FileEntry(path=place, kind="file", mode=0o755, source=program)
            for place, program in programs.items()
            if program
        )


def aids_of_build(context: Context, settings: Settings, plan: BuildPlan) -> Aids:
    """By the toolchain of the build, and for its target. See `_aids` for errors."""

    def compiled(name: str) -> bytes:
        return compile_program(context.runner, plan.toolchain, plan.triple, name, context.cache)

    return _aids(context, settings, plan.target.platform, compiled)


def aids_of_pack(context: Context, settings: Settings, platform: Platform, folder: Path) -> Aids:
    """By the rustc of the folder, where there is one. See `_aids` for errors."""

    def compiled(name: str) -> bytes:
        toolchain = read_toolchain(context.runner, folder, context.toolchains)
        triples = tuple(triple_of(platform, libc) for libc in ("gnu", "musl"))
        triple = next(filter(toolchain.has_target, triples), triples[0])
        add_target(context.runner, context.report, toolchain, triple, folder)
        return compile_program(context.runner, toolchain, triple, name, context.cache)

    return _aids(context, settings, platform, compiled)


def has_probe(platform: Platform) -> bool:
    """Whether the probe and the init know the processor."""
    return platform.os == "linux" and platform.architecture in PROCESSORS


def _aids(context: Context, settings: Settings, platform: Platform, compiled: Callable[[str], bytes]) -> Aids:
    """Raises `ProjectError` or `BuildError` where one cannot be made, and none is left of an earlier run."""

    def made(name: str) -> bytes:
        try:
            return compiled(name)
        except (ProjectError, BuildError) as error:
            kept = recall_program(name, platform.architecture, context.cache)
            if kept is None:
                raise _refusal(name, error) from error
            return kept

    probed = settings.health is not None and settings.health.needs_probe
    if not has_probe(platform):
        if settings.init:
            raise ProjectError(f"ferrule has no init for {platform}", hint="leave out init")
        if probed:
            context.report.warn(f"no health check for {platform}: the probe does not know the processor")
        return Aids()
    return Aids(probe=made("probe") if probed else None, init=made("init") if settings.init else None)


def _refusal(name: str, error: ProjectError | BuildError) -> ProjectError | BuildError:
    what = "the health probe" if name == "probe" else "the init"
    return type(error)(
        f"{what} is compiled by rustc for each image's platform: {error.message}",
        hint=f"{error.hint}; or {WITHOUT[name]}; or bring the folder `probe` of another machine's cache",
    )
