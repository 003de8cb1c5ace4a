"""Files that appear whole or not at all: written beside their place, then renamed."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ferrule.errors import OutputError


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of `path` when the block ends without an exception.

    Folders above are made. Raises `OutputError` when something cannot be written.
    """
    part = path.with_name(f".{path.name}.part-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {path}: {reason}", hint="check the folder and its space") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
