"""A program and a donor's files go in; its loader, its libraries and their records come out as entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ferrule.base.check import check, check_closure
from ferrule.base.entry import FileEntry
from ferrule.base.known import THIS_MACHINE
from ferrule.base.packages import Packages
from ferrule.base.planned import PlannedFiles
from ferrule.elf.closure import Closure, Library, closure, find_library
from ferrule.elf.facts import Binary, undefined_symbols
from ferrule.elf.files import Files, LocalFiles
from ferrule.elf.search import MUSL_FOLDERS
from ferrule.errors import BinaryError

LIBGCC = "libgcc_s.so.1"
"""glibc opens it by name for pthread_exit and thread cancellation, and aborts where it is not there."""

OPENED_LATER = {
    "dlopen": "the program opens libraries by name: those are not in the image",
    "iconv_open": "the program converts character sets: glibc's tables for them are not in the image",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What lies below the program. `packages` are where the files come from; `notes` are for a person."""

    entries: tuple[FileEntry, ...] = ()
    packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def fitted(binary: Binary, files: Files, packages: Packages) -> Fitted:
    """Take exactly what the program's loader will ask for. Raises `ImageError` when the donor lacks any.

    Every library ends in a folder that the loader has built in, since the image has no cache and the
    program another place. The result is searched once more as the loader will, before anybody writes it.
    """
    if binary.is_static:
        return Fitted()
    found = closure(binary, files, origin=PurePosixPath(binary.path.resolve().parent))
    if binary.interpreter is None:
        check(binary, files, THIS_MACHINE)
    check_closure(binary, found, files, THIS_MACHINE)
    places = _places(binary, found, files)
    entries = tuple(_entries(places, found, files))
    check(binary, PlannedFiles(entries), "the fitted base")
    records = packages.records({place: (one.path, one.real) for place, one in places.items()})
    return Fitted(
        entries=(*entries, *records.entries),
        packages=records.names,
        notes=(*records.notes, *_opened_later(binary)),
    )


def _places(binary: Binary, found: Closure, files: Files) -> dict[PurePosixPath, Library]:
    """Place in the image → library. The loader is a plain file where PT_INTERP says, without links to it."""
    assert found.interpreter is not None
    places = {found.interpreter.path: found.interpreter}
    for library in (*found.libraries, *_opened_by_libc(found, binary, files)):
        place = _place(library, found)
        if place in places:
            place = place.with_name(PurePosixPath(library.name).name)
        places[place] = library
    return places


def _opened_by_libc(found: Closure, binary: Binary, files: Files) -> Iterator[Library]:
    if found.folders.is_musl or LIBGCC in found.names:
        return
    library = find_library(LIBGCC, found, binary, files)
    if library is not None:
        yield library


def _place(library: Library, found: Closure) -> PurePosixPath:
    built_in = MUSL_FOLDERS if found.folders.is_musl else found.folders.built_in
    if library.name.startswith("/"):
        return library.path
    if library.real.parent in built_in:
        return library.real
    return built_in[0] / library.real.name


def _entries(places: dict[PurePosixPath, Library], found: Closure, files: Files) -> Iterator[FileEntry]:
    for place, library in places.items():
        mode = 0o755 if library is found.interpreter else 0o644
        yield FileEntry(path=place, kind="file", mode=mode, source=_source(files, library.real))
    taken = set(places)
    for place, library in places.items():
        for name in _names(library, found):
            link = place.with_name(name)
            if link not in taken and library is not found.interpreter:
                taken.add(link)
                yield FileEntry(path=link, kind="link", mode=0o777, target=place.name)


def _names(library: Library, found: Closure) -> list[str]:
    """Every name that it is asked for by; a path is where it has to be already."""
    names = {name for name, known in found.names.items() if known.real == library.real}
    names |= {name for name in (library.name, library.binary.soname) if name}
    return sorted(name for name in names if "/" not in name)


def _source(files: Files, real: PurePosixPath) -> Path | bytes:
    if isinstance(files, LocalFiles):
        return files.root / real.relative_to("/")
    with files.open(real) as stream:
        return stream.read()


def _opened_later(binary: Binary) -> tuple[str, ...]:
    try:
        with binary.path.open("rb") as stream:
            symbols = undefined_symbols(stream, binary.path.name)
    except (OSError, BinaryError):
        return ()
    return tuple(note for symbol, note in OPENED_LATER.items() if symbol in symbols)
