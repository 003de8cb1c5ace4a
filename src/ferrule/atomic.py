"""Files that appear whole or not at all, and locks that end with the process that holds them.

What a killed process leaves unfinished is found by its lock being free: a later one removes it, and never
what another is still writing. The locks are flock(2)'s. Where a file system has none (they are errors there)
nothing is taken for abandoned.
"""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ferrule.errors import OutputError

NO_LOCKS = frozenset((errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP))
"""What flock says where it does not exist; a folder on NFS answers EBADF."""


LONGEST_NAME = 48
"""Letters of a file's name in that of its unfinished part, which must fit where the name itself just fits."""


@contextmanager
def appearing(path: Path, *, lasting: bool = False) -> Iterator[Path]:
    """A path to write to; it takes the place of `path` when the block ends without an exception.

    Folders above are made. `lasting` waits for the disk, so that a power cut leaves the old file or the new
    one; without it the new one may be found cut short. Raises `OutputError` when something cannot be written.
    """
    check_replaceable(path)
    prefix = f".{path.name[:LONGEST_NAME]}.part-"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path.parent, prefix)
        with unfinished(path.parent, prefix) as (part, stream):
            yield part
            if lasting:
                os.fsync(stream.fileno())
            part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {path}: {reason}", hint="check the folder and its space") from error


def check_replaceable(path: Path) -> None:
    """Raise `OutputError` for what no file may take the place of: a folder, or for root /dev/null."""
    if is_there(path) and (not path.is_file() or _is_stream(path)):
        raise OutputError(
            f"cannot write {path}: it is a folder, a pipe or a device", hint="name a file, or one that is new"
        )


@contextmanager
def unfinished(folder: Path, prefix: str, mode: int = 0o666) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in the folder, locked while the block lasts. Whoever wants to keep it renames it inside."""
    while True:
        part = folder / f"{prefix}{os.urandom(8).hex()}"
        try:
            held = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(held, "wb") as stream:
                _flock(held, fcntl.LOCK_EX)
                if _is_at(held, part):  # else it was taken for abandoned before it was locked
                    yield part, stream
                    return
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of the folder while the block lasts, and wait for one that is in there.

    The folder itself is locked: nothing is added to it, and nothing stays locked after a kill.
    """
    while True:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _flock(held, fcntl.LOCK_EX)
            if _is_at(held, folder):  # else it was removed while we waited
                yield
                return
        finally:
            os.close(held)


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A new folder that is gone after the block, or after a later one if this process is killed."""
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_abandoned(parent, "")
        place, held = _locked_folder(parent)
    except OSError as error:
        raise OutputError(
            f"cannot make a folder in {parent}: {error.strerror}", hint="check the folder and its space"
        ) from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(held)


def remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove files and folders of `unfinished` and `scratch` whose process has been killed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                _remove_unless_locked(Path(entry.path))


def is_there(path: Path) -> bool:
    """Whether something stands at the path. Never where its name is too long, or nobody may look."""
    try:
        return path.exists()
    except OSError:
        return False


def remove(path: Path) -> None:
    """Remove whatever is there: a file, a link, a folder with all that is in it. Raises `OSError`."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):
        if path.is_symlink() or not path.is_dir():
            raise
        shutil.rmtree(path)


def _is_stream(path: Path) -> bool:
    """/dev/stdout, which is a link to a link, whatever it leads to."""
    return path.is_symlink() and str(path.readlink()).startswith("/proc/")


def _locked_folder(parent: Path) -> tuple[Path, int]:
    while True:
        place = parent / os.urandom(8).hex()
        place.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            held = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
            _flock(held, fcntl.LOCK_EX)
            if _is_at(held, place):
                return place, held
            os.close(held)


def _remove_unless_locked(path: Path) -> None:
    """What cannot be removed stays for another time; what is neither file nor folder is none of ours."""
    with suppress(OSError):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return
        held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # While the lock is ours: who has just made the file and not yet locked it will see it go.
            remove(path)
        finally:
            os.close(held)


def _is_at(held: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(held), path.stat())
    except FileNotFoundError:
        return False


def _flock(held: int, how: int) -> None:
    try:
        fcntl.flock(held, how)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
