"""Which package and which of its binaries is meant: the rules of `cargo run`."""

import difflib
from collections.abc import Callable, Iterable

import msgspec

from ferrule.cargo.metadata import Package, Project, Target
from ferrule.errors import ProjectError

Pairs = list[tuple[Package, Target]]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """One binary of one package, and why this one."""

    package: Package
    binary: str
    reason: str


def select(
    project: Project, *, package: str | None, binary: str | None, say: Callable[[str], None]
) -> Selection:
    """The binary asked for, or the only one there is.

    Raises `ProjectError`; where there are several, `say` is told beforehand what each is.
    """
    candidates = _candidates(project, package)
    pairs = [(owner, target) for owner in candidates for target in owner.targets if "bin" in target.kind]
    if binary is not None:
        return _named(pairs, binary, say)
    if not pairs:
        names = ", ".join(owner.name for owner in candidates)
        raise ProjectError(
            f"{names} has no binary target: only a program can become an image",
            hint="give a package with a binary by --package, or add src/main.rs",
        )
    if len(pairs) == 1:
        owner, target = pairs[0]
        return Selection(package=owner, binary=target.name, reason="the only binary")
    defaults = [owner for owner in candidates if owner.default_run in owner.binaries]
    if len(defaults) == 1:
        return Selection(
            package=defaults[0], binary=str(defaults[0].default_run), reason="default-run in Cargo.toml"
        )
    _describe(pairs, say)
    listed = ", ".join(target.name for _, target in pairs)
    raise ProjectError(
        f"there are several binaries: {listed}",
        hint=f"choose one, such as --bin {pairs[0][1].name}, or set default-run in Cargo.toml",
    )


def _candidates(project: Project, package: str | None) -> tuple[Package, ...]:
    packages = project.workspace.packages
    if package is not None:
        found = tuple(owner for owner in packages if owner.name == package)
        if not found:
            names = sorted(owner.name for owner in packages)
            raise ProjectError(
                f"there is no package {package!r} in the workspace",
                hint=_nearest("--package", package, names),
            )
        return found
    here = tuple(owner for owner in packages if owner.manifest_path == project.manifest)
    if here:
        return here
    members = project.workspace.workspace_default_members
    return tuple(owner for owner in packages if owner.id in members) or packages


def _named(pairs: Pairs, binary: str, say: Callable[[str], None]) -> Selection:
    found = [(owner, target) for owner, target in pairs if target.name == binary]
    if not found:
        names = [target.name for _, target in pairs]
        raise ProjectError(f"there is no binary {binary!r}", hint=_nearest("--bin", binary, names))
    if len(found) > 1:
        _describe(found, say)
        raise ProjectError(
            f"several packages have a binary {binary!r}: {', '.join(owner.name for owner, _ in found)}",
            hint=f"choose the package, such as --package {found[0][0].name}",
        )
    return Selection(package=found[0][0], binary=binary, reason="asked for by --bin")


def _nearest(flag: str, wrong: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(wrong, names, 1)
    return f"did you mean {flag} {near[0]}?" if near else f"there is {', '.join(names) or 'none'}"


def _describe(pairs: Pairs, say: Callable[[str], None]) -> None:
    """A line for each binary: the flags that choose it, its source, its package."""
    names = [target.name for _, target in pairs]
    rows = []
    for owner, target in pairs:
        package = f"--package {owner.name} " if names.count(target.name) > 1 else ""
        source = target.src_path
        inside = source.relative_to(owner.folder) if source.is_relative_to(owner.folder) else source
        rows.append((f"{package}--bin {target.name}", f"{inside} of {owner.name} {owner.version}"))
    width = max(len(flags) for flags, _ in rows)
    for flags, what in rows:
        say(f"  {flags:{width}}  {what}")
