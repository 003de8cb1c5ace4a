"""What a binary is, links and needs, without running it: a path goes in, a `BinaryReport` comes out."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ferrule.base.known import bases_that_run
from ferrule.elf.closure import closure
from ferrule.elf.facts import Binary, read_binary, undefined_symbols
from ferrule.elf.files import Files

CODE = (".text", ".init", ".fini", ".plt")
READ_ONLY = (".rodata", ".gcc_except_table", ".eh_frame", ".data.rel.ro")
DEBUG = (".debug", ".zdebug", ".symtab", ".strtab")


@dataclass(frozen=True, kw_only=True, slots=True)
class NeededLibrary:
    """A library that the loader maps, who asks for it, and where it is here; None when it is not."""

    name: str
    wanted_by: str
    path: PurePosixPath | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BinaryReport:
    """Everything that `inspect` says of a binary. Sizes in bytes; `sizes` is by kind of content.

    `glibc_because` are the symbols that want the highest glibc version.
    """

    binary: Binary
    link: str
    link_reason: str
    libraries: tuple[NeededLibrary, ...]
    glibc_because: tuple[str, ...]
    sizes: tuple[tuple[str, int], ...]
    bases: tuple[str, ...]


def inspect_binary(path: Path, files: Files) -> BinaryReport:
    """Read the binary and look its libraries up in `files`. Raises `BinaryError` when it is none."""
    binary = read_binary(path)
    return BinaryReport(
        binary=binary,
        link="static" if binary.is_static else "dynamic",
        link_reason=_link_reason(binary),
        libraries=_libraries(binary, files, PurePosixPath(path.absolute().parent)),
        glibc_because=_who_needs(path, binary.glibc),
        sizes=_sizes(binary),
        bases=bases_that_run(binary),
    )


def _link_reason(binary: Binary) -> str:
    if binary.is_static:
        return "no PT_INTERP and no DT_NEEDED"
    if binary.interpreter is None:
        return f"no PT_INTERP, but DT_NEEDED names {', '.join(binary.needed)}: it would crash"
    return f"PT_INTERP is {binary.interpreter}"


def _libraries(binary: Binary, files: Files, origin: PurePosixPath) -> tuple[NeededLibrary, ...]:
    if binary.is_static:
        return ()
    found = closure(binary, files, origin=origin)
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
    """Bytes in the file by kind; what belongs to no section is `headers and padding`."""
    sums = dict.fromkeys(("code", "read-only data", "data", "symbols and debug", "other sections"), 0)
    for section in binary.sections:
        sums[_kind(section.name)] += section.file_size
    rest = binary.size - sum(sums.values())
    return (*((kind, count) for kind, count in sums.items() if count), ("headers and padding", max(0, rest)))


def _kind(name: str) -> str:
    if name.startswith(CODE):
        return "code"
    if name.startswith(READ_ONLY):
        return "read-only data"
    if name.startswith((".data", ".tdata", ".got", ".init_array", ".fini_array")):
        return "data"
    return "symbols and debug" if name.startswith(DEBUG) else "other sections"
