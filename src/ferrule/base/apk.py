"""apk's list of installed packages goes in, the stanzas of some of them come out: Alpine's and Wolfi's."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from ferrule.base.owned import Owned, Places, content_of, copied, spelled, written
from ferrule.elf.files import Files

INSTALLED = (PurePosixPath("/lib/apk/db/installed"), PurePosixPath("/usr/lib/apk/db/installed"))
LICENCES = PurePosixPath("/usr/share/licenses")


def apk_records(places: Places, files: Files) -> Owned:
    """A list of the packages that own the files, each stanza as apk wrote it, and their licences."""
    known = spelled(places)
    for path in INSTALLED:
        text = (content_of(files, path) or b"").decode("utf-8", "replace")
        owned = {
            stanza: {known[name] for name in _files(stanza) if name in known} for stanza in _stanzas(text)
        }
        stanzas = [stanza for stanza, some in owned.items() if some]
        if stanzas:
            licences = (LICENCES / _field(stanza, "P") for stanza in stanzas)
            texts = (folder / name for folder in licences for name in files.names(folder))
            return Owned(
                places=frozenset(place for some in owned.values() for place in some),
                names=tuple(f"{_field(stanza, 'P')} {_field(stanza, 'V')}" for stanza in stanzas),
                entries=(
                    written(path, "".join(f"{stanza}\n\n" for stanza in stanzas)),
                    *copied(files, texts),
                ),
            )
    return Owned()


def _stanzas(text: str) -> list[str]:
    return [stanza.strip("\n") for stanza in text.split("\n\n") if stanza.strip("\n")]


def _files(stanza: str) -> Iterator[str]:
    """Folders are lines `F:lib`, the files in them the lines `R:libz.so.1` behind."""
    folder = ""
    for line in stanza.split("\n"):
        kind, _, name = line.partition(":")
        if kind == "F":
            folder = name
        elif kind == "R":
            yield f"/{folder}/{name}" if folder else f"/{name}"


def _field(stanza: str, letter: str) -> str:
    lines = (line for line in stanza.split("\n") if line.startswith(f"{letter}:"))
    return next(lines, "")[2:]
