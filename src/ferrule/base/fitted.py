"""Programs and a donor's files go in; their loader, libraries and records come out as entries."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from ferrule.base.check import PLACE, check, check_closure
from ferrule.base.entry import FileEntry
from ferrule.base.known import THIS_MACHINE
from ferrule.base.opened import Imports, imports_of, notes_on, opened_by_libc, opening, read_at_run_time
from ferrule.base.owned import Places
from ferrule.base.packages import Records, records_of
from ferrule.base.planned import PlannedFiles
from ferrule.elf.closure import Closure, Known, Library, closure
from ferrule.elf.facts import Binary
from ferrule.elf.files import Files, LocalFiles
from ferrule.elf.search import MUSL_FOLDERS, find_file

Spellings = tuple[PurePosixPath, ...]


class Donor(msgspec.Struct, frozen=True, kw_only=True):
    """Whose files the image gets: this machine's, or an image's. `name` is for messages.

    `known` and `records` are what has been read of it: several images may have the same donor.
    """

    files: Files
    name: str = THIS_MACHINE
    known: Known = msgspec.field(default_factory=dict)
    records: dict[frozenset[tuple[PurePosixPath, Spellings]], Records] = msgspec.field(default_factory=dict)

    @property
    def is_image(self) -> bool:
        """Nothing of this machine is in it, so no library beside the program either."""
        return self.name != THIS_MACHINE


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What lies below the programs. `packages` are where the files come from; `notes` are for a person."""

    entries: tuple[FileEntry, ...] = ()
    packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A program with the libraries that it opens among those that it needs, and all that they reach."""

    binary: Binary
    found: Closure
    imports: Imports


def fitted(binaries: tuple[Binary, ...], donor: Donor, libraries: tuple[str, ...] = ()) -> Fitted:
    """Take exactly what the programs' loader will ask for. Raises `ImageError` when the donor lacks any.

    Every library ends in a folder that the loader has built in, since the image has no cache and the
    program another place. The result is searched once more as the loader will, before anybody writes it.
    `libraries` are those that a program opens by name.
    """
    files = donor.files
    wanted = [_wanted(binary, donor, libraries) for binary in binaries if not binary.is_static]
    if not wanted:
        return Fitted()
    places = _places(wanted)
    others = {
        path: real
        for each in wanted
        for path in read_at_run_time(each.found, each.imports, files)
        if (real := find_file(files, path)) is not None
    }
    entries = (*_entries(places, wanted, files), *_copies(others, files))
    read = {place: library.binary for place, library in places.items()}
    for each in wanted:
        check(each.binary, PlannedFiles(entries), "the fitted base", known=read)
    origins = {place: (library.path, library.real) for place, library in places.items()}
    records = _records(donor, {**origins, **{path: (path, real) for path, real in others.items()}})
    notes = (note for each in wanted for note in notes_on(each.imports, libraries))
    return Fitted(
        entries=(*entries, *records.entries),
        packages=records.names,
        notes=(*records.notes, *dict.fromkeys(notes)),
    )


def _records(donor: Donor, places: Places) -> Records:
    """To find them takes longer than all of the rest: once for the same files."""
    key = frozenset(places.items())
    if key not in donor.records:
        donor.records[key] = records_of(places, donor.files, donor.name)
    return donor.records[key]


def _wanted(binary: Binary, donor: Donor, libraries: tuple[str, ...]) -> _Wanted:
    files = donor.files
    origin = PLACE if donor.is_image else PurePosixPath(binary.path.resolve().parent)
    binary = opening(binary, libraries, files, donor.name)
    if binary.interpreter is None:
        check(binary, files, donor.name)
    found = closure(
        binary,
        files,
        origin=origin,
        opened=lambda found: opened_by_libc(found, binary, files),
        known=donor.known,
    )
    check_closure(binary, found, files, donor.name, is_donor=donor.is_image)
    return _Wanted(binary=binary, found=found, imports=imports_of(found, binary, files))


def _places(wanted: list[_Wanted]) -> dict[PurePosixPath, Library]:
    """Place in the image → library. The loader is a plain file where PT_INTERP says, without links to it."""
    places: dict[PurePosixPath, Library] = {}
    for each in wanted:
        found = each.found
        assert found.interpreter is not None
        places.setdefault(found.interpreter.path, found.interpreter)
        reals = {library.real for library in places.values()}
        for library in found.libraries:
            if library.real in reals:
                continue
            place = _place(library, each)
            if place in places:
                place = place.with_name(PurePosixPath(library.name).name)
            places[place] = library
    return places


def _place(library: Library, wanted: _Wanted) -> PurePosixPath:
    """Where it is in the donor, if the loader looks there; what is opened by its path stays at that path."""
    folders = wanted.found.folders
    built_in = MUSL_FOLDERS if folders.is_musl else folders.built_in
    if library.name.startswith("/") and not _is_linked(library, wanted):
        return library.path
    if library.real.parent in built_in:
        return library.real
    return built_in[0] / library.real.name


def _is_linked(library: Library, wanted: _Wanted) -> bool:
    """Whether anything asks for it by a name without a folder, too."""
    binaries = (wanted.binary, *(one.binary for one in wanted.found.libraries))
    needed = {name for binary in binaries for name in binary.needed if "/" not in name}
    return any(wanted.found.names[name].real == library.real for name in needed & wanted.found.names.keys())


def _entries(
    places: dict[PurePosixPath, Library], wanted: list[_Wanted], files: Files
) -> Iterator[FileEntry]:
    loaders = {each.found.interpreter.path for each in wanted if each.found.interpreter}
    for place, library in places.items():
        mode = 0o755 if place in loaders else 0o644
        yield FileEntry(path=place, kind="file", mode=mode, source=_source(files, library.real))
    taken = set(places)
    for place, library in places.items():
        for link in _links(place, library, wanted):
            if link not in taken and place not in loaders:
                taken.add(link)
                target = place.name if link.parent == place.parent else str(place)
                yield FileEntry(path=link, kind="link", mode=0o777, target=target)


def _links(place: PurePosixPath, library: Library, wanted: list[_Wanted]) -> list[PurePosixPath]:
    """Every other name that it is asked for by: beside it, or at the very path."""
    asked = {
        name for each in wanted for name, known in each.found.names.items() if known.real == library.real
    }
    asked |= {name for name in (library.name, library.binary.soname) if name}
    paths = (PurePosixPath(name) for name in asked if name.startswith("/"))
    return sorted({*paths, *(place.with_name(name) for name in asked if "/" not in name)})


def _copies(others: dict[PurePosixPath, PurePosixPath], files: Files) -> Iterator[FileEntry]:
    for path, real in others.items():
        yield FileEntry(path=path, kind="file", source=_source(files, real))


def _source(files: Files, real: PurePosixPath) -> Path | bytes:
    if isinstance(files, LocalFiles):
        return files.root / real.relative_to("/")
    with files.open(real) as stream:
        return stream.read()
