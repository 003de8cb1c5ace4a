"""Generated files in a folder: what is there and what should be, what is left over, and writing them."""

import difflib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec

from ferrule.atomic import appearing, is_there
from ferrule.errors import FerruleError, OutputError, ProjectError
from ferrule.generate.marked import Parts, drafted, has_marks, mark_name, split
from ferrule.generate.service import Draft, comment_of

State = Literal["new", "same", "changed", "foreign", "stale"]
LARGEST = 1 << 20
"""Bytes: nothing that was generated is larger."""


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """A file: what it is now (None: not there), and what it should be (None: nothing writes it any more).

    `root` is the folder that it is to lie below. `is_ours`: it is not there, or was generated. `other` is the
    program that it was generated for, where that is another of the project.
    """

    kind: str
    path: Path
    root: Path
    before: str | None
    after: str | None
    is_ours: bool = True
    other: str | None = None

    @property
    def state(self) -> State:
        """Whether it is to be written, and why or why not."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "stale"
        if not self.is_ours:
            return "foreign"
        return "same" if self.before == self.after else "changed"

    def diff(self) -> str:
        """A unified diff from what it is to what it should be; nothing of a file that is not written."""
        if self.after is None or self.state == "foreign":
            return ""
        before = (self.before or "").splitlines(keepends=True)
        after = self.after.splitlines(keepends=True)
        old = "/dev/null" if self.before is None else str(self.path)
        lines = difflib.unified_diff(before, after, old, str(self.path))
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )


def compared(draft: Draft, root: Path, program: str, others: Collection[str], *, force: bool) -> Generated:
    """A draft beside its file below `root`; `others` are the project's further programs, as marks have them.

    Raises `ProjectError` for marks that are no pair.
    """
    path = root / draft.path
    before = text_of(path)
    with naming(path):
        found = split(before or "", draft.kind, draft.comment)
        after = drafted(before, draft.kind, draft.text, force=True, comment=draft.comment, program=program)
    other = found.program if found and found.program in others else None
    is_ours = found is not None or before is None or force
    return Generated(
        kind=draft.kind, path=path, root=root, before=before, after=after, is_ours=is_ours, other=other
    )


def left_over(
    kind: str, folder: Path, written: Collection[Path], program: str, others: Collection[str] | None
) -> Iterator[Generated]:
    """Files of the kind in a folder that nothing writes any more, but for those of `others`.

    None for `others` is everybody but the program itself.
    """
    for path in _files_in(folder):
        text = None if path in written else _text_or_none(path)
        if text is None or not has_marks(text, kind, comment_of(path.name)):
            continue
        owner = owner_of(path, kind)
        if owner == mark_name(program) if others is None else owner not in others:
            yield Generated(kind=kind, path=path, root=folder, before=text, after=None)


def _files_in(folder: Path) -> list[Path]:
    """Those that may have been generated."""
    with suppress(OSError):
        return sorted(each for each in folder.iterdir() if each.is_file() and each.stat().st_size <= LARGEST)
    return []


def _text_or_none(path: Path) -> str | None:
    try:
        return text_of(path)
    except OutputError:
        return None


def owner_of(path: Path, kind: str) -> str | None:
    """The program that a file was generated for, where it says so."""
    try:
        parts = parts_of(path, kind, comment_of(path.name))
    except FerruleError:  # half a pair of marks, or no text
        return None
    return parts.program if parts else None


def refuse_foreign(files: tuple[Generated, ...]) -> None:
    """Raises `ProjectError` for the first file that is somebody else's."""
    for file in files:
        if file.state == "foreign":
            raise ProjectError(
                f"{file.path}: it is there, and not written by `ferrule generate`",
                hint="move it away, or add --force to have it replaced",
            )


def write(files: tuple[Generated, ...], *, force: bool = False) -> None:
    """Write those that are not as they should be, each whole or not at all.

    Raises `ProjectError` before the first where one is somebody else's or, without `force`, another program's
    or where a link leads out of its root.
    """
    refuse_foreign(files)
    for file in files:
        if file.other is not None and not force:
            raise ProjectError(
                f"{file.path}: it was generated for {file.other}",
                hint="--output DIR puts the files of a second program elsewhere, --force in their place",
            )
    texts = {
        _behind_links(file, force=force): file.after
        for file in files
        if file.state in ("new", "changed") and file.after is not None
    }
    for place, text in texts.items():
        with appearing(place, lasting=True) as part:
            part.write_bytes(text.encode())


def parts_of(path: Path, kind: str, comment: str = "#") -> Parts | None:
    """Of a file, None where it is not there or not ours."""
    with naming(path):
        return split(text_of(path) or "", kind, comment)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What is wrong with a file is said with its name."""
    try:
        yield
    except ProjectError as error:
        raise ProjectError(f"{path}: {error.message}", hint=error.hint) from error


def text_of(path: Path) -> str | None:
    """A file's text, None where there is none. Raises `OutputError` for what is no text."""
    if not is_there(path):
        return None
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise OutputError(f"cannot read {path}: {reason}", hint="move it away") from error


def _behind_links(file: Generated, *, force: bool) -> Path:
    """Where the file lies. A project may be a stranger's: no link that leads out of its root is followed.

    With `force` it takes the place of a link, but not behind a folder that is one.
    """
    try:
        folder, root = file.path.parent.resolve(), file.root.resolve()
        place = folder / file.path.name if force else file.path.resolve()
    except (OSError, RuntimeError):  # a link to itself
        place = root = Path("/")
    if place == root or not place.is_relative_to(root):
        raise ProjectError(
            f"{file.path}: a link leads out of {file.root}",
            hint="move it away"
            if force
            else "move it away, or add --force to have a link to a file replaced",
        )
    return place
