"""Which package and which of its binaries is meant: the rules of `cargo run`."""

from dataclasses import dataclass

from ferrule.cargo.metadata import Package, Project
from ferrule.errors import ProjectError


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """One binary of one package, and why this one."""

    package: Package
    binary: str
    reason: str


def select(project: Project, *, package: str | None, binary: str | None) -> Selection:
    """The binary asked for, or the only one there is. Raises `ProjectError` that lists the choices."""
    candidates = _candidates(project, package)
    pairs = [(owner, name) for owner in candidates for name in owner.binaries]
    if binary is not None:
        return _named(pairs, binary)
    if not pairs:
        names = ", ".join(owner.name for owner in candidates)
        raise ProjectError(
            f"{names} has no binary target: only a program can become an image",
            hint="give a package with a binary by -p, or add src/main.rs",
        )
    if len(pairs) == 1:
        owner, name = pairs[0]
        return Selection(package=owner, binary=name, reason="the only binary")
    defaults = [owner for owner in candidates if owner.default_run in owner.binaries]
    if len(defaults) == 1:
        return Selection(
            package=defaults[0], binary=str(defaults[0].default_run), reason="default-run in Cargo.toml"
        )
    listed = ", ".join(name for _, name in pairs)
    raise ProjectError(f"there are several binaries: {listed}", hint="choose one by --bin NAME")


def _candidates(project: Project, package: str | None) -> tuple[Package, ...]:
    packages = project.workspace.packages
    if package is not None:
        found = tuple(owner for owner in packages if owner.name == package)
        if not found:
            listed = ", ".join(sorted(owner.name for owner in packages))
            raise ProjectError(f"there is no package {package!r} in the workspace", hint=f"it has {listed}")
        return found
    here = tuple(owner for owner in packages if owner.manifest_path == project.manifest)
    if here:
        return here
    members = project.workspace.workspace_default_members
    return tuple(owner for owner in packages if owner.id in members) or packages


def _named(pairs: list[tuple[Package, str]], binary: str) -> Selection:
    found = [owner for owner, name in pairs if name == binary]
    if not found:
        listed = ", ".join(name for _, name in pairs) or "none"
        raise ProjectError(f"there is no binary {binary!r}", hint=f"there is {listed}")
    if len(found) > 1:
        raise ProjectError(
            f"several packages have a binary {binary!r}: {', '.join(owner.name for owner in found)}",
            hint="choose the package by -p",
        )
    return Selection(package=found[0], binary=binary, reason="asked for by --bin")
