"""The files and folders of the project that go into the image: `--file` and the key `files`."""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import msgspec

from ferrule.atomic import is_there
from ferrule.base.entry import FileEntry
from ferrule.errors import ProjectError
from ferrule.values import PROGRAM_FOLDER, FileCopy
from ferrule.verbs.secrets import what_secret

WILDCARDS = frozenset("*?[")
DEEP = "**"
CACHE_TAG = "CACHEDIR.TAG"
"""Marks a folder that can be made anew, such as cargo's target: https://bford.info/cachedir."""


class _Project(msgspec.Struct, frozen=True, kw_only=True):
    """Where files may come from: `root` is the workspace's, sources are looked up from `folder`, both real.

    `named` are the files that a source names exactly: secrets among them are meant.
    """

    root: Path
    folder: Path
    named: frozenset[Path]


def collect_files(
    copies: tuple[FileCopy, ...], folder: Path, root: Path, programs: tuple[str, ...] = ()
) -> tuple[FileEntry, ...]:
    """Every file that the sources name, looked up from `folder`, with modes 0644, or 0755 where executable.

    Links are followed as far as the project's `root` reaches. Raises `ProjectError` when a source is missing
    or matches nothing, leaves the root, is neither file nor folder, brings a secret that it does not name, or
    is to lie where one of the `programs` will.
    """
    entries: dict[PurePosixPath, FileEntry] = {}
    try:
        named = frozenset(_real(folder / copy.source) for copy in copies)
        project = _Project(root=_real(root), folder=_real(folder), named=named)
        for copy in copies:
            entries.update((entry.path, entry) for entry in _entries(copy, project))
    except OSError as error:
        hint = "check the file and its permissions"
        raise ProjectError(f"cannot read {error.filename}: {error.strerror}", hint=hint) from error
    _check_folders(entries)
    _check_programs(entries, programs)
    return tuple(entries.values())


def _entries(copy: FileCopy, project: _Project) -> Iterator[FileEntry]:
    start, pattern = split_source(copy.source, project.folder)
    source = _inside(project.folder / start, start, project)
    if not pattern:
        if copy.is_folder and source.is_file():
            raise ProjectError(
                f"{copy.target}/ is a folder by its last slash, and {copy.source} is a file",
                hint=f"write its own place, such as {copy.target / source.name}",
            )
        yield from _walk(source, copy.target, project, above=frozenset())
        return
    nothing = True
    for path in _matches(source, pattern, project, above=frozenset((source,))):
        nothing = False
        yield from _take(path, copy.target / path.relative_to(source), project, above=frozenset())
    if nothing:
        raise ProjectError(
            f"the pattern {copy.source!r} matches nothing", hint=f"it is looked up from {project.folder}"
        )


def split_source(source: str, folder: Path) -> tuple[str, tuple[str, ...]]:
    """The folder before the first wildcard, and the pattern from there on; none for a file's own name."""
    parts = PurePosixPath(source).parts
    first = next((at for at, part in enumerate(parts) if WILDCARDS & set(part)), None)
    if first is None or is_there(folder / source):
        return source, ()
    return str(PurePosixPath(*parts[:first])), parts[first:]


def _matches(
    folder: Path, pattern: tuple[str, ...], project: _Project, above: frozenset[Path]
) -> Iterator[Path]:
    """What bash with `globstar` finds: `*` is no name that begins with a dot, `**` any depth of folders."""
    first, rest = pattern[0], pattern[1:]
    if first == DEEP:
        yield from _matches(folder, rest, project, above) if rest else (folder,)
    for child in _children(folder):
        deeper = pattern if first == DEEP else rest
        if not fnmatchcase(child.name, first) or (child.name.startswith(".") and not first.startswith(".")):
            continue
        if not deeper:
            yield child
        elif rest and child.is_dir():
            real = _inside(child, str(child), project)
            yield from _matches(child, deeper, project, _add(above, real))


def _children(folder: Path) -> Iterator[Path]:
    """What lies in a folder, without caches: they hold what nobody wrote, and plenty of it."""
    return (child for child in sorted(folder.iterdir()) if not (child / CACHE_TAG).is_file())


def _take(
    path: Path, target: PurePosixPath, project: _Project, above: frozenset[Path]
) -> Iterator[FileEntry]:
    """What a folder or a pattern brings along, unless it is a secret."""
    real = _inside(path, str(path), project)
    secret = what_secret(path) or (what_secret(real) if real != path else None)
    if secret and real not in project.named:
        name = os.path.relpath(path, project.folder)
        raise ProjectError(
            f"{name} looks like a secret ({secret}): whoever can pull the image could read it",
            hint=f'move it elsewhere, or name it exactly: {{ from = "{name}", to = "{target}" }}',
        )
    yield from _walk(real, target, project, above)


def _walk(
    source: Path, target: PurePosixPath, project: _Project, above: frozenset[Path]
) -> Iterator[FileEntry]:
    if source.is_dir():
        yield FileEntry(path=target, kind="dir", mode=0o755)
        above = _add(above, source)
        for child in _children(source):
            yield from _take(child, target / child.name, project, above)
    elif source.is_file():
        executable = bool(source.stat().st_mode & 0o111)
        yield FileEntry(path=target, kind="file", mode=0o755 if executable else 0o644, source=source)
    else:
        raise ProjectError(f"{source} is neither a file nor a folder", hint="take files and folders only")


def _inside(path: Path, said: str, project: _Project) -> Path:
    real = _real(path)
    if not real.exists():
        raise ProjectError(f"the file {said!r} is not there", hint=f"it is looked up from {path.parent}")
    if not real.is_relative_to(project.root):
        hint = "only files of the project go into its image; copy it there"
        raise ProjectError(f"the file {said!r} leaves the project", hint=hint)
    return real


def _real(path: Path) -> Path:
    """Behind all links. `Path.resolve` fails for those that lead in a circle, to nothing."""
    return Path(os.path.realpath(path))


def _add(above: frozenset[Path], folder: Path) -> frozenset[Path]:
    if folder in above:
        raise ProjectError(
            f"{folder} holds a link to itself", hint="take the link away, or name the files one by one"
        )
    return above | {folder}


def _check_folders(entries: dict[PurePosixPath, FileEntry]) -> None:
    """No file where others need a folder; the program needs one too."""
    folders = {PROGRAM_FOLDER, *(parent for path in entries for parent in path.parents)}
    for path, entry in entries.items():
        if isinstance(entry.source, Path) and path in folders:
            raise ProjectError(
                f"{path} cannot be the file {entry.source}: other files lie in it",
                hint=f"name a place in it, such as {path / entry.source.name}",
            )


def _check_programs(entries: dict[PurePosixPath, FileEntry], programs: tuple[str, ...]) -> None:
    """The program's layer comes last: what lies in its place would be gone without a word."""
    for name in programs:
        place = PROGRAM_FOLDER / name
        if place in entries:
            raise ProjectError(
                f"{place} is the program, and a file or folder is to lie there too",
                hint=f"choose another place for it, such as {place}-files",
            )
