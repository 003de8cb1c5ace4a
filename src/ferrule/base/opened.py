"""What a program opens by name when it runs, which no header says: libraries, character sets, a locale."""

import fnmatch
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath

from msgspec.structs import replace

from ferrule.elf.closure import Closure, find_library
from ferrule.elf.facts import Binary, undefined_symbols
from ferrule.elf.files import Files
from ferrule.elf.search import expand, find_file
from ferrule.errors import BinaryError, ImageError

LIBGCC = "libgcc_s.so.1"
"""glibc opens it by name for pthread_exit and thread cancellation, and aborts where it is not there."""

NAME_SERVICES = ("libnss_files.so.2", "libnss_dns.so.2")
"""Users and hosts; glibc has them built in since 2.34."""

WITH_NAME_SERVICES = "GLIBC_2.34"
WILDCARDS = frozenset("*?[")
GCONV = "gconv-modules"
"""glibc's list of the modules that convert character sets, without which it opens none of them."""

LOCALE = PurePosixPath("/usr/lib/locale/C.utf8")
"""The locale C.UTF-8, which glibc does not have built in: without these files it is unknown."""

SETS_LOCALE = frozenset({"setlocale", "newlocale"})
CONVERTS = "iconv_open"
CPLUSPLUS = "libstdc++.so."
"""It converts by an extension that hardly anybody uses: a note for every C++ program is noise."""

PROGRAM = "the program"
OF_LIBRARIES = SETS_LOCALE | {CONVERTS}
Imports = dict[str, frozenset[str]]
"""Who → which of these functions it takes from others; a library's `dlopen` is the library's own business."""

DLOPEN_NOTE = "the program opens libraries by name: the image has those that `libraries` names (--library)"
CONVERTS_NOTE = (
    "converts character sets: for others than UTF-8 and ASCII, name glibc's modules in `libraries`, "
    "such as /usr/$LIB/gconv/ISO8859-1.so"
)


def opening(binary: Binary, libraries: tuple[str, ...], files: Files, donor: str) -> Binary:
    """The program as if it were linked with the libraries that it is said to open, so they are looked up too.

    Names are sonames, or absolute paths with the loader's `$LIB` and wildcards in the last part. Raises
    `ImageError` for a path that is not there.
    """
    found = [name for wanted in libraries for name in _named(wanted, binary, files, donor)]
    return replace(binary, needed=(*binary.needed, *found))


def opened_by_libc(found: Closure, binary: Binary, files: Files) -> tuple[str, ...]:
    """The libraries that glibc opens by itself, where they are there and not linked anyway."""
    if found.folders.is_musl:
        return ()
    libc = found.names.get("libc.so.6")
    is_old = libc is not None and WITH_NAME_SERVICES not in libc.binary.defines
    names = (LIBGCC, *(NAME_SERVICES if is_old else ()))
    return tuple(
        name for name in names if name not in found.names and find_library(name, found, binary, files)
    )


def imports_of(found: Closure, binary: Binary, files: Files) -> Imports:
    """What the program and each library take of these functions; musl has all behind them built in."""
    imports: Imports = {}
    if found.folders.is_musl:
        return imports
    with suppress(OSError, BinaryError), binary.path.open("rb") as stream:
        imports[PROGRAM] = (OF_LIBRARIES | {"dlopen"}) & undefined_symbols(stream, binary.path.name).keys()
    for library in found.libraries:
        with files.open(library.real) as stream:
            content = stream.read()
            if any(name.encode() in content for name in OF_LIBRARIES):
                imports[library.name] = OF_LIBRARIES & undefined_symbols(stream, library.name).keys()
    return imports


def read_at_run_time(found: Closure, imports: Imports, files: Files) -> Iterator[PurePosixPath]:
    """Files that are no libraries: the list of character sets beside one of them, and the C.UTF-8 locale."""
    for folder in dict.fromkeys(library.path.parent for library in found.libraries):
        yield from (folder / name for name in files.names(folder) if name == GCONV)
        yield from (folder / f"{GCONV}.d" / name for name in files.names(folder / f"{GCONV}.d"))
    if any(symbols & SETS_LOCALE for symbols in imports.values()):
        for folder in (LOCALE, LOCALE / "LC_MESSAGES"):
            yield from (folder / name for name in files.names(folder))


def notes_on(imports: Imports, libraries: tuple[str, ...]) -> Iterator[str]:
    """What a person should know, and the key that helps."""
    if "dlopen" in imports.get(PROGRAM, ()) and not libraries:
        yield DLOPEN_NOTE
    who = [name for name, of in imports.items() if CONVERTS in of and not name.startswith(CPLUSPLUS)]
    if who and not any("/gconv/" in name for name in libraries):
        yield f"{' or '.join(who)} {CONVERTS_NOTE}"


def _named(wanted: str, binary: Binary, files: Files, donor: str) -> tuple[str, ...]:
    if "/" not in wanted:
        return (wanted,)
    for path in expand(wanted, PurePosixPath("/app"), binary.machine):
        names = [path.name]
        if WILDCARDS & set(path.name):
            names = [name for name in files.names(path.parent) if fnmatch.fnmatchcase(name, path.name)]
        there = tuple(str(path.with_name(name)) for name in names if find_file(files, path.with_name(name)))
        if there:
            return there
    raise ImageError(
        f"{donor} has no {wanted}, which `libraries` names",
        hint="write a soname such as libfoo.so.1, or a path such as /usr/$LIB/ossl-modules/legacy.so",
    )
