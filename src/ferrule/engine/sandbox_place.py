"""The folders of sandboxes, one for each run: new ones are made, and those that a killed run left removed."""

import os
import time
from contextlib import suppress
from pathlib import Path

from ferrule.engine.rootfs import remove_tree
from ferrule.engine.sandbox_lock import hold, hold_alone, is_at, try_hold_alone
from ferrule.engine.sandbox_record import ENDED, find_guard
from ferrule.errors import OutputError

KEPT_SECONDS = 7 * 24 * 3600.0
"""How long what a program wrote is kept after its end, unless `ferrule stop` removes it."""


class Place:
    """A folder that is held: nobody takes it for abandoned."""

    def __init__(self, folder: Path, held: int) -> None:
        self.folder = folder
        self._held = held

    def let_go(self) -> None:
        """Leave it to those who hold it too."""
        os.close(self._held)

    def remove(self) -> None:
        """Remove it, when nobody else works in it any more."""
        try:
            hold_alone(self._held)
            remove_tree(self.folder)
        finally:
            os.close(self._held)


def make_place(parent: Path, name: str, *, hint: str) -> Place:
    """A new folder, held from the start. Raises `FileExistsError`, or `OutputError` with the hint."""
    folder = parent / name
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            folder.mkdir(mode=0o700)
            with suppress(FileNotFoundError):
                held = hold(str(folder))
                if is_at(held, str(folder)):  # else it was taken for abandoned before it was held
                    return Place(folder, held)
                os.close(held)
    except FileExistsError:
        raise
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}", hint=hint) from error


def claim_place(folder: Path) -> Place | None:
    """A folder for us alone, or None: somebody works in it, or it is gone."""
    with suppress(FileNotFoundError):
        try:
            held = try_hold_alone(str(folder))
        except OSError:
            held = hold(str(folder))  # a disk without locks
        return None if held is None else Place(folder, held)
    return None


def remove_abandoned(parent: Path, prefix: str = "") -> None:
    """Remove what belongs to no run any more; what cannot be removed stays for another time."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                _remove_unless_held(Path(entry.path))


def is_held(folder: Path) -> bool:
    """Whether somebody works in the folder."""
    try:
        held = try_hold_alone(str(folder))
    except OSError:  # it is gone, or on a disk without locks
        return _closed(find_guard(str(folder)))
    return not _closed(held)


def _remove_unless_held(folder: Path) -> None:
    with suppress(OSError):
        held = try_hold_alone(str(folder))
        if held is None:
            return
        try:
            if os.fstat(held).st_uid == os.geteuid() and not _is_kept(folder):
                remove_tree(folder)
        finally:
            os.close(held)


def _closed(descriptor: int | None) -> bool:
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is not None


def _is_kept(folder: Path) -> bool:
    try:
        return (folder / ENDED).stat().st_mtime > time.time() - KEPT_SECONDS
    except FileNotFoundError:
        return False
