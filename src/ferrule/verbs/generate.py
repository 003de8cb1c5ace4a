"""Writes files from what is known of a project, and says which of them have drifted."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from ferrule.atomic import appearing, is_there
from ferrule.cargo.select import Selection
from ferrule.config import Settings
from ferrule.errors import OutputError, ProjectError
from ferrule.generate import env, systemd
from ferrule.generate.marked import drafted
from ferrule.generate.service import Draft, Service
from ferrule.verbs.context import Context
from ferrule.verbs.prepare import ProjectRequest, read_settings

KINDS: Mapping[str, Callable[[Service], Draft]] = {env.KIND: env.draft, systemd.KIND: systemd.draft}
WHY = {
    env.KIND: "the variables of the contract, to copy and fill in",
    systemd.KIND: "a hardened unit, for the program without a container",
}
State = Literal["new", "same", "changed"]


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """A file: what it is now (None: not there), and what it should be."""

    kind: str
    path: Path
    before: str | None
    after: str

    @property
    def state(self) -> State:
        """Whether it is to be written, and why."""
        if self.before is None:
            return "new"
        return "same" if self.before == self.after else "changed"

    def diff(self) -> str:
        """A unified diff from what it is to what it should be."""
        before = (self.before or "").splitlines(keepends=True)
        after = self.after.splitlines(keepends=True)
        old = "/dev/null" if self.before is None else str(self.path)
        return "".join(difflib.unified_diff(before, after, old, str(self.path)))


def generate(
    context: Context, request: ProjectRequest, kinds: tuple[str, ...], output: Path | None, *, force: bool
) -> tuple[Generated, ...]:
    """Every file of the kinds, below `output` or in the project; nothing is written yet.

    Raises `ProjectError` for a file that is there and not ours, unless `force`.
    """
    project, selection, settings = read_settings(context, request)
    service = _service(selection, settings)
    folder = output or project.workspace.workspace_root
    return tuple(_generated(KINDS[kind](service), folder, force=force) for kind in kinds)


def _service(selection: Selection, settings: Settings) -> Service:
    package = selection.package
    return Service(
        name=selection.binary,
        contract=settings.contract,
        description=f"{package.description or selection.binary} ({package.version})",
        args=settings.args,
        files=tuple((copy.source, str(copy.target)) for copy in settings.files),
        volumes=tuple(map(str, settings.volumes)),
        stop_signal=settings.stop_signal,
        capabilities=settings.capabilities,
    )


def write(files: tuple[Generated, ...]) -> None:
    """Write those that are not as they should be, each whole or not at all."""
    for file in files:
        if file.state != "same":
            with appearing(file.path, lasting=True) as part:
                part.write_bytes(file.after.encode())


def _generated(draft: Draft, folder: Path, *, force: bool) -> Generated:
    path = folder / draft.path
    before = _text_of(path)
    try:
        after = drafted(before, draft.kind, draft.text, force=force)
    except ProjectError as error:
        raise ProjectError(f"{path}: {error.message}", hint=error.hint) from error
    return Generated(kind=draft.kind, path=path, before=before, after=after)


def _text_of(path: Path) -> str | None:
    if not is_there(path):
        return None
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise OutputError(f"cannot read {path}: {reason}", hint="move it away") from error
