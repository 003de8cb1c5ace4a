"""A program and the files of a base go in; nothing comes out, or an `ImageError` that says what is missing.

By reading alone, so for every platform on every host. This is the most repeated failure of Rust images:
built here, refused by the older loader there.
"""

import io
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from ferrule.base.known import FITTED, THIS_MACHINE, bases_that_run
from ferrule.elf.closure import Closure, Known, Library, Missing, closure
from ferrule.elf.facts import Binary, read_elf, undefined_symbols, version_key
from ferrule.elf.files import Files
from ferrule.elf.headers import Machine
from ferrule.elf.search import find_file
from ferrule.errors import BinaryError, ImageError

PLACE = PurePosixPath("/app")
LOADER_FOLDERS = (PurePosixPath("/lib"), PurePosixPath("/lib64"), PurePosixPath("/usr/lib"))
LOADERS = ("ld-linux", "ld-musl-", "ld64.so")
SHOWN = 3


def check(
    binary: Binary,
    files: Files,
    base_name: str,
    *,
    origin: PurePosixPath = PLACE,
    known: Known | None = None,
) -> None:
    """Refuse what the base cannot run: interpreter, libraries, symbol versions, processor.

    `origin` is the program's folder in the image; `known` are libraries of the base that have been read.
    A static program asks nothing of its base.
    """
    if binary.is_static:
        return
    if binary.interpreter is None:
        raise ImageError(
            f"the program needs {binary.needed[0]} but names no loader, so it crashes when it starts",
            hint="build it with --link dynamic, or without the argument that links the library",
        )
    check_closure(binary, closure(binary, files, origin=origin, known=known), files, base_name)


def check_closure(
    binary: Binary, found: Closure, files: Files, base_name: str, *, is_donor: bool = False
) -> None:
    """The same for a dynamic program whose libraries have been looked up already.

    `is_donor` is for the hint: the files are an image's from which a fitted base is taken.
    """
    if found.interpreter is None:
        raise _no_loader(binary, files, base_name, is_donor=is_donor)
    if found.missing:
        raise _refused(binary, base_name, _missing(found.missing, base_name, binary), is_donor=is_donor)
    lacking = list(_lacking(binary, found))
    if lacking:
        wants = _some([lack.text for lack in lacking])
        newest = _newest(lacking[0])
        raise _refused(binary, base_name, f"{wants}; {base_name} has {newest}", is_donor=is_donor)


def _no_loader(binary: Binary, files: Files, base_name: str, *, is_donor: bool) -> ImageError:
    others = list(_loaders(files))
    if others and binary.machine not in (machine for _, machine in others):
        theirs = others[0][1]
        return ImageError(
            f"{base_name} is for {theirs.name}, the program for {binary.machine.name}",
            hint=f"give a {'donor' if is_donor else 'base'} for {binary.platform}",
        )
    has = f": it has {others[0][0]}" if others else ""
    wants = f"the program needs {binary.interpreter}; {base_name} lacks it{has}"
    return _refused(binary, base_name, wants, is_donor=is_donor)


def _loaders(files: Files) -> Iterator[tuple[str, Machine]]:
    for folder in LOADER_FOLDERS:
        for name in files.names(folder):
            real = find_file(files, folder / name) if name.startswith(LOADERS) else None
            if real is None:
                continue
            try:
                with files.open(real) as stream:
                    yield name, read_elf(stream, name, stream.seek(0, io.SEEK_END)).machine
            except (BinaryError, OSError):
                continue


def _missing(missing: tuple[Missing, ...], base_name: str, binary: Binary) -> str:
    wants = [
        f"{_who(miss.wanted_by, binary)} needs {miss.name}"
        + (f", and {miss.unfit[0]} is not for {binary.machine.name}" if miss.unfit else "")
        for miss in missing
    ]
    return f"{_some(wants)}; {base_name} lacks {'it' if len(wants) == 1 else 'them'}"


class _Lack(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence, and the version and library that it is about."""

    text: str
    version: str
    library: Library


def _lacking(binary: Binary, found: Closure) -> Iterator[_Lack]:
    """A version is looked for in the library that it is wanted of; one without versions has them all."""
    symbols = _symbols(binary)
    wanting = ((binary.path.name, binary), *((one.name, one.binary) for one in found.libraries))
    for name, wants in wanting:
        for library, versions in wants.versions.items():
            offer = found.names.get(library)
            if offer is None or not offer.binary.defines:
                continue
            for version in sorted(set(versions) - set(offer.binary.defines), key=version_key, reverse=True):
                users = sorted(symbol for symbol, of in symbols.items() if of == version)
                by = f" ({', '.join(users[:SHOWN])})" if users and wants is binary else ""
                text = f"{_who(name, binary)} needs {version}{by}"
                yield _Lack(text=text, version=version, library=offer)


def _newest(lack: _Lack) -> str:
    """`up to GLIBC_2.36`: the newest that the same library offers under the same prefix."""
    prefix = lack.version.rpartition("_")[0]
    same = [one for one in lack.library.binary.defines if one.rpartition("_")[0] == prefix]
    newest = max(same, key=version_key, default=None)
    return f"up to {newest}" if newest else f"a {lack.library.name} without it"


def _symbols(binary: Binary) -> dict[str, str]:
    """Names are a courtesy: the program may be gone by now."""
    try:
        with binary.path.open("rb") as stream:
            return dict(undefined_symbols(stream, binary.path.name))
    except (OSError, BinaryError):
        return {}


def _refused(binary: Binary, base_name: str, message: str, *, is_donor: bool) -> ImageError:
    not_again = (FITTED,) if is_donor or base_name == THIS_MACHINE else ()
    names = [
        name for name in bases_that_run(binary) if name not in not_again and not base_name.endswith(name)
    ]
    if is_donor:
        hint = f"donors that would do: {', '.join(names)}" if names else "give a donor that has them"
        return ImageError(message, hint=hint)
    install = "install the packages it needs here, or give a base that has them"
    return ImageError(message, hint=f"bases that would do: {', '.join(names)}" if names else install)


def _who(name: str, binary: Binary) -> str:
    return "the program" if name == binary.path.name else name


def _some(sentences: list[str]) -> str:
    more = f" (and {len(sentences) - SHOWN} more)" if len(sentences) > SHOWN else ""
    return ", ".join(sentences[:SHOWN]) + more
