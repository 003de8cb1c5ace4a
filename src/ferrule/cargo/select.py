"""Which packages and which of their binaries are meant: the rules of `cargo run` and `cargo build --bins`."""

import difflib
import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from ferrule.cargo.metadata import Package, Project, Target
from ferrule.cargo.toml import read_toml
from ferrule.errors import ProjectError

Pair = tuple[Package, Target]


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
    pairs = _pairs(candidates)
    if binary is not None:
        return _named(project, pairs, binary, say)
    if not pairs:
        raise _no_binary(candidates)
    if len(pairs) == 1:
        owner, target = pairs[0]
        return Selection(package=owner, binary=target.name, reason="the only binary")
    defaults = [owner for owner in candidates if owner.default_run in owner.binaries]
    if len(defaults) == 1:
        return Selection(
            package=defaults[0], binary=str(defaults[0].default_run), reason="default-run in Cargo.toml"
        )
    _describe(project, pairs, say)
    listed = ", ".join(target.name for _, target in pairs)
    raise ProjectError(
        f"there are several binaries: {listed}",
        hint=f"choose one, such as --bin {pairs[0][1].name}, or set default-run in Cargo.toml; "
        "`ferrule build --all` takes all",
    )


def select_all(
    project: Project,
    *,
    package: str | None,
    turned_on: Callable[[Package], frozenset[str]],
    say: Callable[[str], None],
) -> tuple[Selection, ...]:
    """Every binary of the package, or of the default members, by name.

    `turned_on` gives a package's features: as with cargo, a binary that requires others is left out, and
    `say` is told. Raises `ProjectError` where none is left, or two have one name.
    """
    candidates = _candidates(project, package)
    pairs = sorted(_pairs(candidates), key=lambda pair: pair[1].name)
    found = []
    for owner, target in pairs:
        lacking = sorted(set(target.required_features) - turned_on(owner))
        if lacking:
            say(f"leaving out {target.name}: it requires --features {','.join(lacking)}")
        else:
            found.append((owner, target))
    if pairs and not found:
        raise ProjectError(
            "every binary requires features that are not turned on",
            hint="turn them on by --features, or all by --all-features",
        )
    if not found:
        raise _no_binary(candidates)
    for (_, target), (_, following) in itertools.pairwise(found):
        if target.name == following.name:
            raise _ambiguous(project, found, target.name, say)
    return tuple(
        Selection(package=owner, binary=target.name, reason="asked for by --all") for owner, target in found
    )


def select_beside(project: Project, main: Selection, name: str) -> Selection:
    """A further binary for the image of `main`: of its package, else of any other of the workspace.

    Raises `ProjectError` that says which there are.
    """
    pairs = _pairs(project.workspace.packages)
    found = [owner for owner, target in pairs if target.name == name]
    own = [owner for owner in found if owner.id == main.package.id]
    if name == main.binary and own:
        raise ProjectError(f"{name} is the image's own program", hint="name the others, or none")
    if not found:
        others = sorted({target.name for _, target in pairs} - {main.binary})
        near = difflib.get_close_matches(name, others, 1)
        hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(others) or 'no other'}"
        raise ProjectError(f"there is no binary {name!r} in the workspace", hint=hint)
    if len(found) > 1 and not own:
        listed = ", ".join(owner.name for owner in found)
        raise ProjectError(
            f"several packages have a binary {name!r}: {listed}",
            hint="give the one that you mean a name of its own",
        )
    return Selection(package=(own or found)[0], binary=name, reason=f"goes along with {main.binary}")


def _candidates(project: Project, package: str | None) -> tuple[Package, ...]:
    """The package of that name; else what cargo takes in the folder, which it says itself."""
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
    members = project.workspace.workspace_default_members
    default = tuple(owner for owner in packages if owner.id in members)
    here = tuple(owner for owner in packages if owner.manifest_path == project.manifest)
    return default or here or packages


def _pairs(packages: Iterable[Package]) -> list[Pair]:
    return [(owner, target) for owner in packages for target in owner.targets if "bin" in target.kind]


def _no_binary(candidates: tuple[Package, ...]) -> ProjectError:
    names = ", ".join(owner.name for owner in candidates)
    return ProjectError(
        f"{names} has no binary target: only a program can become an image",
        hint="give a package with a binary by --package, or add src/main.rs",
    )


def _ambiguous(project: Project, pairs: list[Pair], name: str, say: Callable[[str], None]) -> ProjectError:
    same = [(owner, target) for owner, target in pairs if target.name == name]
    _describe(project, same, say)
    return ProjectError(
        f"several packages have a binary {name!r}: {', '.join(owner.name for owner, _ in same)}",
        hint=f"choose the package, such as --package {same[0][0].name}",
    )


def _named(project: Project, pairs: list[Pair], binary: str, say: Callable[[str], None]) -> Selection:
    found = [(owner, target) for owner, target in pairs if target.name == binary]
    if not found:
        names = [target.name for _, target in pairs]
        raise ProjectError(f"there is no binary {binary!r}", hint=_nearest("--bin", binary, names))
    if len(found) > 1:
        raise _ambiguous(project, found, binary, say)
    return Selection(package=found[0][0], binary=binary, reason="asked for by --bin")


def _nearest(flag: str, wrong: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(wrong, names, 1)
    return f"did you mean {flag} {near[0]}?" if near else f"there is {', '.join(names) or 'none'}"


def _describe(project: Project, pairs: list[Pair], say: Callable[[str], None]) -> None:
    """A line for each binary: the flags that choose it, its source, its package, and who depends on that."""
    names = [target.name for _, target in pairs]
    rows = []
    for owner, target in pairs:
        package = f"--package {owner.name} " if names.count(target.name) > 1 else ""
        source = target.src_path
        inside = source.relative_to(owner.folder) if source.is_relative_to(owner.folder) else source
        declared = "[[bin]] " if target.name in _declared(owner.manifest_path) else ""
        users = _dependents(project, owner)
        verb = "depends" if len(users) == 1 else "depend"
        used = f", which {' and '.join(users)} {verb} on" if users else ""
        rows.append(
            (f"{package}--bin {target.name}", f"{declared}{inside} of {owner.name} {owner.version}{used}")
        )
    width = max(len(flags) for flags, _ in rows)
    for flags, what in rows:
        say(f"  {flags:{width}}  {what}")


def _declared(manifest: Path) -> frozenset[str]:
    """The binaries that have a `[[bin]]` of their own; cargo found the others by their files."""
    return frozenset(str(entry.get("name")) for entry in read_toml(manifest).get("bin", ()))


def _dependents(project: Project, package: Package) -> list[str]:
    """The packages of the workspace that depend on this one, by name."""
    return sorted(
        other.name
        for other in project.workspace.packages
        if any(dependency.path == package.folder for dependency in other.dependencies)
    )
