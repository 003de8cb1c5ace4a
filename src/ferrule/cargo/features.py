"""Features that a build misses, or that do not exist: what was said goes in, those that exist come out."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from ferrule.cargo.messages import Message
from ferrule.cargo.metadata import Package, read_project
from ferrule.cargo.missing import Cause
from ferrule.errors import ProjectError
from ferrule.process import Runner

MOST_NAMED = 12


def missing_feature(runner: Runner, errors: tuple[Message, ...], own: tuple[Package, ...]) -> Cause | None:
    """The cause of a `compile_error!` about features. `own` are the packages of the workspace."""
    for message in errors:
        said = message.message
        if "compile_error!" in (said.rendered or "") and re.search(r"\bfeatures?\b(?!-)", said.message):
            package = next((package for package in own if package.id == message.package_id), None)
            other = package or _ask(runner, message)
            if other is not None and set(other.features) - {"default"}:
                how = "turn one on by --features NAME" if package else "add one to its line in Cargo.toml"
                names = _listed(other.features)
                return Cause(
                    message=f"{other.name} says: {said.message}",
                    hint=f"{other.name} has the features {names}: {how}",
                )
    return None


def unknown_feature(said: str, package: Package) -> Cause | None:
    """The cause when the package that was chosen has no such feature."""
    match = re.search(r"the package '([^']+)' does not contain this feature: (\S+)", said)
    if not match or match[1] != package.name:
        return None
    near = difflib.get_close_matches(match[2], package.features, 1)
    return Cause(
        message=f"{package.name} has no feature {match[2]!r}",
        hint=f"did you mean {near[0]}?" if near else f"it has {_listed(package.features)}",
    )


def _ask(runner: Runner, message: Message) -> Package | None:
    """A dependency's features stand in its own Cargo.toml."""
    try:
        project = read_project(runner, Path(message.manifest_path))
    except ProjectError:
        return None
    return next(iter(project.workspace.packages), None)


def _listed(features: Iterable[str]) -> str:
    names = sorted(set(features) - {"default"})
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more if names else "none"
