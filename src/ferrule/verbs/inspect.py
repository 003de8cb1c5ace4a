"""What a binary is, links and needs, without running it: a path goes in, a `BinaryReport` comes out."""

from pathlib import Path, PurePosixPath

import msgspec

from ferrule.base.known import bases_that_run
from ferrule.elf.closure import Closure, closure
from ferrule.elf.facts import Binary, read_binary, undefined_symbols
from ferrule.elf.files import Files

CONTENTS = {
    "data": (".data", ".tdata", ".got", ".init_array", ".fini_array", ".preinit_array"),
    "code": (".text", ".init", ".fini", ".plt"),
    "read-only data": (".rodata", ".gcc_except_table", ".eh_frame", ".data.rel.ro"),
    "linking": (".rel", ".dyn", ".gnu.", ".hash", ".interp"),
    "symbols and debug": (".debug", ".zdebug", ".symtab", ".strtab", ".gnu_debug"),
}
"""What bytes are for → how the names of such sections begin; the longest beginning decides."""

OTHER, REST = "other sections", "headers and padding"
SHOWN_IN_ORDER = ("code", "read-only data", "data", "linking", "symbols and debug", OTHER)


class NeededLibrary(msgspec.Struct, frozen=True, kw_only=True):
    """A library that the loader maps, who asks for it, and where it is here; None when it is not.

    The loader itself is described the same way.
    """

    name: str
    wanted_by: str
    path: PurePosixPath | None


class BinaryReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `inspect` says of a binary. Sizes in bytes; `sizes` is by kind of content.

    `loader` is None for a static binary; `glibc_because` are the symbols that want the highest glibc version.
    """

    binary: Binary
    link: str
    link_reason: str
    loader: NeededLibrary | None
    libraries: tuple[NeededLibrary, ...]
    glibc_because: tuple[str, ...]
    sizes: tuple[tuple[str, int], ...]
    bases: tuple[str, ...]


def inspect_binary(path: Path, files: Files) -> BinaryReport:
    """Read the binary and look its libraries up in `files`. Raises `BinaryError` when it is none."""
    binary = read_binary(path)
    found = closure(binary, files, origin=PurePosixPath(path.resolve().parent))
    return BinaryReport(
        binary=binary,
        link="static" if binary.is_static else "dynamic",
        link_reason=_link_reason(binary),
        loader=_loader(binary, found),
        libraries=_libraries(found),
        glibc_because=_who_needs(path, binary.glibc),
        sizes=_sizes(binary),
        bases=bases_that_run(binary),
    )


def _link_reason(binary: Binary) -> str:
    if binary.is_static:
        return f"no PT_INTERP and no DT_NEEDED{' (static-pie)' if binary.relocatable else ''}"
    if binary.interpreter is None:
        return f"no PT_INTERP, but DT_NEEDED names {', '.join(binary.needed)}: it would crash"
    return "PT_INTERP names a loader"


def _loader(binary: Binary, found: Closure) -> NeededLibrary | None:
    if binary.interpreter is None:
        return None
    path = found.interpreter.path if found.interpreter else None
    return NeededLibrary(name=binary.interpreter, wanted_by=binary.path.name, path=path)


def _libraries(found: Closure) -> tuple[NeededLibrary, ...]:
    here = [NeededLibrary(name=lib.name, wanted_by=lib.wanted_by, path=lib.path) for lib in found.libraries]
    gone = [NeededLibrary(name=lib.name, wanted_by=lib.wanted_by, path=None) for lib in found.missing]
    return (*here, *gone)


def _who_needs(path: Path, glibc: str | None) -> tuple[str, ...]:
    if glibc is None:
        return ()
    with path.open("rb") as stream:
        symbols = undefined_symbols(stream, str(path))
    return tuple(sorted(symbol for symbol, version in symbols.items() if version == glibc))


def _sizes(binary: Binary) -> tuple[tuple[str, int], ...]:
    """Bytes in the file by what they are for; what belongs to no section comes last."""
    sums = dict.fromkeys(SHOWN_IN_ORDER, 0)
    for section in binary.sections:
        sums[_content(section.name)] += section.file_size
    rest = binary.size - sum(sums.values())
    return (*((content, count) for content, count in sums.items() if count), (REST, max(0, rest)))


def _content(name: str) -> str:
    fitting = {
        start: content for content, starts in CONTENTS.items() for start in starts if name.startswith(start)
    }
    return fitting[max(fitting, key=len)] if fitting else OTHER
