"""The user's own folders: for what ferrule keeps between runs, and for the user's configuration."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ferrule.errors import ProjectError


def cache_folder() -> Path:
    """FERRULE_CACHE_DIR, or `ferrule` in the user cache folder, made for this user alone.

    Raises `ProjectError` where it cannot be made.
    """
    named = os.environ.get("FERRULE_CACHE_DIR")
    folder = Path(named) if named else _user_cache()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"cannot make the cache {folder}: {error.strerror}", hint="set FERRULE_CACHE_DIR"
        ) from error
    return folder.absolute()


def config_file() -> Path:
    """`ferrule/config.toml` in the user configuration folder, whether it is there or not."""
    named = os.environ.get("XDG_CONFIG_HOME")
    return (Path(named) / "ferrule" if named else _user_config()) / "config.toml"


def home_folder() -> Path:
    """The user's own, or where there is none `~`: a user of a container may have no name and no home."""
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - Path's own raises for that user


def temporary_folder() -> Path:
    """TMPDIR, /tmp or /var/tmp, whichever can be written to.

    Python's own way to find out is to write a file, which would stay there if we were killed at that instant.
    """
    named = (os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    candidates = [Path(name) for name in (*named, "/tmp", "/var/tmp") if name]  # noqa: S108 - those of POSIX
    return next((each for each in candidates if each.is_dir() and os.access(each, os.W_OK | os.X_OK)), Path())


def state_folder() -> Path:
    """`ferrule` in the user state folder. Raises `ProjectError` where there is none."""
    with _named("XDG_STATE_HOME"):
        import platformdirs

        return platformdirs.user_state_path("ferrule")


def _user_cache() -> Path:
    with _named("FERRULE_CACHE_DIR"):
        import platformdirs

        return platformdirs.user_cache_path("ferrule")


def _user_config() -> Path:
    import platformdirs

    try:
        return platformdirs.user_config_path("ferrule")
    except RuntimeError:
        return home_folder()


@contextmanager
def _named(variable: str) -> Iterator[None]:
    """Say what to set where the user has no home that a folder could be in."""
    try:
        yield
    except RuntimeError as error:
        raise ProjectError(
            f"user {os.getuid()} has no home folder", hint=f"set HOME, or {variable}"
        ) from error
