"""Folders of the image that the settings ask for: volumes, the working folder, and whose files are."""

from pathlib import PurePosixPath

from msgspec.structs import replace

from ferrule.base.entry import FileEntry
from ferrule.config import Settings
from ferrule.errors import ProjectError

SHARED = PurePosixPath("/tmp")  # noqa: S108 - the image's, not ours
"""Everybody can write there already."""


def place_files(
    files: tuple[FileEntry, ...], settings: Settings, there: frozenset[PurePosixPath]
) -> tuple[FileEntry, ...]:
    """The volumes and the files. What lies in a volume is the user's, as the volume itself is,
    and so are the folders on the way.

    Folders that are `there` stay as they are: one may be a link, or open to everybody. Raises `ProjectError`
    where a file is to lie in the place of a volume.
    """
    user = settings.user
    placed = {}
    for path in settings.volumes:
        if path != SHARED:
            placed[path] = FileEntry(path=path, kind="dir", mode=0o755, uid=user.uid, gid=user.gid)
    for entry in files:
        if entry.kind == "dir" and (entry.path in there or entry.path in placed):
            continue
        if entry.path in placed:
            hint = "name a place in it, or take the volume away"
            raise ProjectError(f"{entry.path} cannot be both a volume and a file", hint=hint)
        above = [path for path in entry.path.parents if any(map(path.is_relative_to, settings.volumes))]
        for folder in reversed(above):
            if folder not in there and folder not in placed:
                placed[folder] = FileEntry(path=folder, kind="dir", mode=0o755, uid=user.uid, gid=user.gid)
        placed[entry.path] = replace(entry, uid=user.uid, gid=user.gid) if above else entry
    return tuple(placed.values())


def workdir(settings: Settings, there: frozenset[PurePosixPath]) -> tuple[FileEntry, ...]:
    """The working folder, root's, unless it is there: engines make a missing one, and not all alike."""
    folder, inside = settings.workdir, f"{str(settings.workdir).rstrip('/')}/"
    if folder in there or any(str(path).startswith(inside) for path in there):
        return ()
    return (FileEntry(path=folder, kind="dir", mode=0o755),)
