"""A program and a tree of files go in; what its `DT_NEEDED` reach comes out, and what is missing.

Searched as glibc does (ld.so(8), elf/dl-load.c's order) and as musl does, without running anything. Left
out on purpose: LD_LIBRARY_PATH, which the image does not set, and the glibc-hwcaps folders, whose
libraries run on some processors only.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

import msgspec
from msgspec.structs import replace

from ferrule.elf.facts import Binary, read_elf
from ferrule.elf.files import Files
from ferrule.elf.headers import Machine
from ferrule.elf.search import Folders, expand, find_file, loader_folders
from ferrule.errors import BinaryError

MUSL_ITSELF = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\.")
"""musl's loader answers for these itself, whatever file has the name."""

MAX_LOOKUPS = 100_000
"""The largest programs, with a hundred libraries and a folder for each, try a tenth of it."""


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """A library that was found: `name` as asked for, `path` where the loader looks, `real` the file."""

    name: str
    path: PurePosixPath
    real: PurePosixPath
    binary: Binary
    wanted_by: str


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A library that is not found. `unfit` are files of that name for other processors, or damaged."""

    name: str
    wanted_by: str
    unfit: tuple[PurePosixPath, ...] = ()


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the loader maps before `main`, breadth first. `interpreter` is None when it is not there.

    `names` are all the names by which something is asked for: one file may have several.
    """

    interpreter: Library | None
    libraries: tuple[Library, ...]
    names: Mapping[str, Library]
    missing: tuple[Missing, ...]
    folders: Folders


Opened = Callable[[Closure], tuple[str, ...]]
Known = dict[PurePosixPath, Binary]
"""Real path → what the file is; reading headers is most of the time that a search takes."""


def closure(
    binary: Binary,
    files: Files,
    *,
    origin: PurePosixPath,
    opened: Opened | None = None,
    known: Known | None = None,
) -> Closure:
    """Follow `DT_NEEDED` from the program, which lies in the folder `origin` of the tree.

    `opened` says which libraries are opened by name once all others are known; they are followed as well.
    `known` are libraries of the tree that have been read; those that are read now are added to it.
    Raises `BinaryError` when names and folders are so many that the search would not end.
    """
    return _Search(binary, files, origin, {} if known is None else known).run(opened)


def find_library(name: str, found: Closure, binary: Binary, files: Files) -> Library | None:
    """A library that is opened by name at run time, looked for in the loader's own folders."""
    for folder in (*found.folders.configured, *found.folders.built_in):
        library = _open(files, folder / name, name, binary.machine, wanted_by="dlopen", known={})
        if isinstance(library, Library):
            return library
    return None


class _Object(msgspec.Struct, frozen=True, kw_only=True):
    """Something mapped, and who asked for it: old RPATHs count for all that is below."""

    label: str
    binary: Binary
    origin: PurePosixPath
    parent: "_Object | None" = None


class _Search:
    def __init__(self, binary: Binary, files: Files, origin: PurePosixPath, known: Known) -> None:
        self.known = known
        self.program = _Object(label=binary.path.name, binary=binary, origin=origin)
        self.files = files
        self.machine = binary.machine
        self.folders = loader_folders(binary.interpreter, binary.machine, files)
        self.names: dict[str, Library] = {}
        self.reals: dict[PurePosixPath, Library] = {}
        self.missing: dict[str, Missing] = {}
        self.lookups = 0

    def run(self, opened: Opened | None) -> Closure:
        interpreter = self._interpreter()
        self._follow(self.program)
        later = opened(self._found(interpreter)) if opened else ()
        if later:
            self._follow(replace(self.program, binary=replace(self.program.binary, needed=later)))
        return self._found(interpreter)

    def _follow(self, first: _Object) -> None:
        queue = [first]
        for mapped in queue:
            queue.extend(_below(library, mapped) for library in self._needed(mapped))

    def _found(self, interpreter: Library | None) -> Closure:
        libraries = (library for library in self.reals.values() if library is not interpreter)
        return Closure(
            interpreter=interpreter,
            libraries=tuple(libraries),
            names=dict(self.names),
            missing=tuple(self.missing.values()),
            folders=self.folders,
        )

    def _interpreter(self) -> Library | None:
        name = self.program.binary.interpreter
        if name is None or not name.startswith("/"):
            return None
        loader = self._open(PurePosixPath(name), name, wanted_by=self.program.label)
        if not isinstance(loader, Library):
            return None
        self._know(loader)
        return loader

    def _needed(self, mapped: _Object) -> Iterator[Library]:
        """The libraries that are new."""
        for name in mapped.binary.needed:
            if name in self.names or name in self.missing or self._is_loader(name):
                continue
            library = self._find(name, mapped)
            if isinstance(library, Missing):
                self.missing[name] = library
            elif library.real in self.reals:
                self.names[name] = self.reals[library.real]
            else:
                self._know(library)
                yield library

    def _is_loader(self, name: str) -> bool:
        return self.folders.is_musl and MUSL_ITSELF.match(name) is not None

    def _know(self, library: Library) -> None:
        self.reals[library.real] = library
        for name in (library.name, library.binary.soname):
            if name:
                self.names.setdefault(name, library)

    def _find(self, name: str, mapped: _Object) -> Library | Missing:
        unfit = []
        for path in self._candidates(name, mapped):
            self._count()
            found = self._open(path, name, wanted_by=mapped.label)
            if isinstance(found, Library):
                return found
            if found is not None:
                unfit.append(found)
        return Missing(name=name, wanted_by=mapped.label, unfit=tuple(dict.fromkeys(unfit)))

    def _open(self, path: PurePosixPath, name: str, *, wanted_by: str) -> Library | PurePosixPath | None:
        return _open(self.files, path, name, self.machine, wanted_by=wanted_by, known=self.known)

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            raise BinaryError(
                f"{self.program.label} names more libraries and folders than can be searched",
                hint="build it again; no linker writes such a list",
            )

    def _candidates(self, name: str, mapped: _Object) -> Iterator[PurePosixPath]:
        if "/" in name:
            yield from expand(name, mapped.origin, self.machine)
            return
        for folder in self._search_path(mapped):
            yield folder / name

    def _search_path(self, mapped: _Object) -> Iterator[PurePosixPath]:
        own = mapped.binary.runpath
        if self.folders.is_musl or not own:
            yield from self._inherited(mapped)
        for folder in own:
            yield from expand(folder, mapped.origin, self.machine)
        yield from self.folders.configured
        yield from self.folders.built_in

    def _inherited(self, mapped: _Object) -> Iterator[PurePosixPath]:
        """RPATH of the object and of those who asked for it, up to the program; with musl RUNPATH too."""
        above: _Object | None = mapped
        while above is not None:
            binary = above.binary
            folders = binary.runpath if self.folders.is_musl and binary.runpath else binary.rpath
            for folder in folders if self.folders.is_musl or not binary.runpath else ():
                yield from expand(folder, above.origin, self.machine)
            above = above.parent


def _below(library: Library, parent: _Object) -> _Object:
    return _Object(label=library.name, binary=library.binary, origin=library.path.parent, parent=parent)


def _open(
    files: Files, path: PurePosixPath, name: str, machine: Machine, *, wanted_by: str, known: Known
) -> Library | PurePosixPath | None:
    """The library; or its path when something else is there that this program cannot use; or None."""
    real = find_file(files, path)
    if real is None:
        return None
    try:
        binary = known.get(real) or _read(files, real)
    except (BinaryError, OSError):
        return real
    known[real] = binary
    if binary.machine != machine:
        return real
    return Library(name=name, path=path, real=real, binary=binary, wanted_by=wanted_by)


def _read(files: Files, real: PurePosixPath) -> Binary:
    with files.open(real) as stream:
        size = stream.seek(0, io.SEEK_END)
        return read_elf(stream, str(real), size)
