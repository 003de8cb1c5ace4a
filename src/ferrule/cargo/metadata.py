"""`cargo metadata` goes in, the workspace and its packages come out."""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ferrule.atomic import is_there
from ferrule.errors import ProjectError
from ferrule.process import Command, Finished, ProgramMissingError, Runner

MANIFEST = "Cargo.toml"
MOST_NAMED = 5
MOST_DEPTH = 3


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Something that cargo builds of a package: a library, a binary, a test, …"""

    name: str
    kind: tuple[str, ...]
    src_path: Path
    required_features: tuple[str, ...] = msgspec.field(name="required-features", default=())


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """What a package asks for. `kind` is None, "dev" or "build"; `path` is None for what lies elsewhere."""

    name: str
    kind: str | None = None
    target: str | None = None
    path: Path | None = None


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the workspace as cargo describes it."""

    name: str
    version: str
    id: str
    manifest_path: Path
    targets: tuple[Target, ...]
    dependencies: tuple[Dependency, ...] = ()
    features: Mapping[str, tuple[str, ...]] = {}
    metadata: Mapping[str, Any] | None = None
    default_run: str | None = None
    description: str | None = None
    license: str | None = None
    repository: str | None = None
    homepage: str | None = None

    @property
    def binaries(self) -> tuple[str, ...]:
        """The names of its binary targets, in cargo's order."""
        return tuple(target.name for target in self.targets if "bin" in target.kind)

    @property
    def folder(self) -> Path:
        """Where its Cargo.toml lies."""
        return self.manifest_path.parent


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """What `cargo metadata --no-deps` says of a project."""

    packages: tuple[Package, ...]
    workspace_root: Path
    target_directory: Path
    workspace_default_members: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None

    @property
    def lock_file(self) -> Path:
        """Cargo.lock, whether it is there or not."""
        return self.workspace_root / "Cargo.lock"


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """The Cargo.toml that the user pointed at, and the workspace around it."""

    manifest: Path
    workspace: Workspace

    @property
    def folder(self) -> Path:
        """The folder where cargo runs: its configuration is searched from there."""
        return self.manifest.parent


def read_project(runner: Runner, place: Path) -> Project:
    """The project at a folder or a Cargo.toml. Raises `ProjectError` with cargo's own reason."""
    manifest = find_manifest(place)
    finished = _cargo(runner, metadata_command(manifest, "--no-deps"))
    if not finished.ok:
        raise _explained(finished, manifest)
    workspace = msgspec.json.decode(finished.stdout, type=Workspace, dec_hook=_path)
    return Project(manifest=manifest, workspace=workspace)


def find_manifest(place: Path) -> Path:
    """The absolute path of the Cargo.toml that PROJECT means: a folder's own, or the nearest above it."""
    if place.name != MANIFEST and not is_there(place):
        # cargo would look above it: a name mistyped inside of one project would build that one.
        raise ProjectError(f"there is no {place}", hint=_hint_beside(place))
    if place.name != MANIFEST and place.is_file():
        raise ProjectError(
            f"{place} is neither the folder of a Cargo project nor a {MANIFEST}",
            hint="of a binary, `ferrule pack` makes an image",
        )
    if place.name == MANIFEST:
        folder, manifests = place.parent, [place]
    else:
        folder, manifests = place, [above / MANIFEST for above in (place.resolve(), *place.resolve().parents)]
    found = next((manifest for manifest in manifests if is_there(manifest) and manifest.is_file()), None)
    if found is None:
        raise ProjectError(f"there is no {MANIFEST} in {folder}", hint=_hint_below(folder))
    # The file itself may be a link, which cargo does not follow either.
    return found.parent.resolve() / found.name


def _hint_beside(place: Path) -> str:
    """A folder of almost the same name."""
    beside = sorted(each.name for each in place.parent.glob("*/")) if place.parent.is_dir() else []
    near = difflib.get_close_matches(place.name, beside, 1)
    return f"did you mean {place.parent / near[0]}?" if near else "give the folder of a Cargo project"


def _hint_below(folder: Path) -> str:
    """The projects in folders of the folder; what lies in a project is its own affair."""
    if is_there(folder / "oci-layout"):
        return f"it is an OCI layout: name it oci:{folder}"
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        here = Path(place)
        is_project = MANIFEST in files
        if is_project:
            found.append(place if here.is_absolute() else f"./{here}")
        if len(found) == MOST_NAMED:
            break
        too_deep = len(here.relative_to(folder).parts) >= MOST_DEPTH
        folders[:] = [] if too_deep or is_project else sorted(filter(_may_hold_projects, folders))
    return f"did you mean {' or '.join(found)}?" if found else "give the folder of a Cargo project"


def _may_hold_projects(name: str) -> bool:
    return not name.startswith(".") and name not in ("node_modules", "target", "vendor")


def metadata_command(manifest: Path, *flags: str) -> Command:
    """`cargo metadata` for a manifest."""
    argv = ("cargo", "metadata", "--format-version", "1", "--manifest-path", str(manifest), *flags)
    return Command(argv=argv, cwd=manifest.parent)


def _path(kind: type, text: Any) -> Any:
    """msgspec knows no paths; the one other type here is Path."""
    return kind(text)


def _cargo(runner: Runner, command: Command) -> Finished:
    try:
        return runner.run(command)
    except ProgramMissingError as error:
        raise ProjectError(error.message, hint="install Rust with rustup (https://rustup.rs)") from error


def _explained(finished: Finished, manifest: Path) -> ProjectError:
    from ferrule.cargo.diagnose import diagnose

    if cause := diagnose(finished.stderr.decode(errors="replace"), manifest.parent):
        return ProjectError(cause.message, hint=cause.hint)
    reason = _first_error(finished)
    return ProjectError(reason, hint=_hint(reason))


def _hint(reason: str) -> str:
    missing = re.search(r"toolchain '([^']+)'.* is not installed", reason)
    where = "unset RUSTUP_TOOLCHAIN" if "RUSTUP_TOOLCHAIN" in os.environ else "mend rust-toolchain.toml"
    if missing and "custom toolchain" not in reason:
        return f"rustup toolchain install {missing[1]}, or {where}"
    if missing or "override file" in reason or "invalid toolchain" in reason:
        return where
    return "cargo cannot read the project; mend it and try again"


def _first_error(finished: Finished) -> str:
    """cargo's error in one line: the first `error:` with its place, and the causes below it."""
    lines = [line.strip() for line in finished.stderr.decode(errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error")]
    start = errors[0] if errors else (lines[0] if lines else "cargo failed without a word")
    causes = [lines[at + 1] for at, line in enumerate(lines[:-1]) if line.startswith("Caused by")]
    text = ": ".join(dict.fromkeys((start, *causes)))
    detail = next((line for line in lines if re.match(r"\| +\^|\|.*\^", line)), "")
    reason = lines[lines.index(detail) + 1] if detail and lines.index(detail) + 1 < len(lines) else ""
    if not causes and not detail and len(lines) > 1 and errors:
        reason = lines[1]
    if place := next((line.removeprefix("--> ") for line in lines if line.startswith("--> ")), ""):
        text = f"{place}: {text}"
    return f"{text}: {reason}" if reason and reason not in text else text
