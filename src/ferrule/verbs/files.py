"""The files and folders of the project that go into the image: `--file` and the key `files`."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ferrule.base.entry import FileEntry
from ferrule.errors import ProjectError
from ferrule.values import FileCopy


def collect_files(copies: tuple[FileCopy, ...], folder: Path, root: Path) -> tuple[FileEntry, ...]:
    """Every file below the sources, looked up from `folder`, with modes 0644, or 0755 where executable.

    Links are followed as far as the project's `root` reaches. Raises `ProjectError` when a source is missing,
    leaves the root, or is neither file nor folder.
    """
    entries: dict[PurePosixPath, FileEntry] = {}
    for copy in copies:
        source = _inside(folder / copy.source, copy.source, root)
        for entry in _walk(source, copy.target, root, above=frozenset()):
            entries[entry.path] = entry
    return tuple(entries.values())


def _inside(path: Path, said: str, root: Path) -> Path:
    real = path.resolve()
    if not real.exists():
        raise ProjectError(f"the file {said!r} is not there", hint=f"it is looked up from {path.parent}")
    if real != root.resolve() and root.resolve() not in real.parents:
        hint = "only files of the project go into its image; copy it there"
        raise ProjectError(f"the file {said!r} leaves the project", hint=hint)
    return real


def _walk(source: Path, target: PurePosixPath, root: Path, above: frozenset[Path]) -> Iterator[FileEntry]:
    if source in above:
        raise ProjectError(
            f"{source} holds a link to itself", hint="take the link away, or name the files one by one"
        )
    if source.is_dir():
        yield FileEntry(path=target, kind="dir", mode=0o755)
        for child in sorted(source.iterdir()):
            yield from _walk(_inside(child, str(child), root), target / child.name, root, above | {source})
    elif source.is_file():
        executable = bool(source.stat().st_mode & 0o111)
        yield FileEntry(path=target, kind="file", mode=0o755 if executable else 0o644, source=source)
    else:
        raise ProjectError(f"{source} is neither a file nor a folder", hint="take files and folders only")
