"""An ELF file goes in, a `Binary` comes out: what it is, what it links, which symbol versions it needs."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from ferrule.elf.headers import Machine, identify
from ferrule.errors import BinaryError
from ferrule.oci.platform import Platform

T = TypeVar("T")
MAX_STRING = 4096
MAX_ENTRIES = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A named part of the file; `size` in bytes as loaded, `file_size` as it lies in the file."""

    name: str
    size: int
    file_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Binary:
    """What the headers of an ELF file say.

    `needed` are sonames; `versions` maps a library to the symbol versions wanted of it, `defines` are those
    that a library offers. `rpath` and `runpath` are search folders as written, with their `$ORIGIN`.
    """

    path: Path
    size: int
    machine: Machine
    kind: str
    interpreter: str | None
    needed: tuple[str, ...]
    soname: str | None
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    versions: Mapping[str, tuple[str, ...]]
    defines: tuple[str, ...]
    build_id: str | None
    stripped: bool
    sections: tuple[Section, ...]

    @property
    def platform(self) -> Platform:
        """The OCI platform that runs it."""
        return Platform(os="linux", architecture=self.machine.architecture, variant=self.machine.variant)

    @property
    def is_static(self) -> bool:
        """No interpreter and no needed library; names and the linker's exit code prove nothing."""
        return self.interpreter is None and not self.needed

    @property
    def glibc(self) -> str | None:
        """The highest glibc version wanted, such as `GLIBC_2.34`."""
        wanted = [version for versions in self.versions.values() for version in versions]
        numbered = [version for version in wanted if re.fullmatch(r"GLIBC_[0-9.]+", version)]
        return max(numbered, key=version_key, default=None)


def read_binary(path: Path) -> Binary:
    """Read a program. Raises `BinaryError` when it is none: no ELF, cut short, a library, …"""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            binary = read_elf(stream, str(path), size)
    except OSError as error:
        raise BinaryError(
            f"cannot read {path}: {error.strerror}", hint="give the file of a program"
        ) from error
    if binary.kind == "library":
        raise BinaryError(f"{path} is a shared library, not a program", hint="give the file of a program")
    return binary


def read_elf(stream: BinaryIO, name: str, size: int) -> Binary:
    """Read any ELF file, libraries too. `size` is the file's, against which every offset is checked."""
    machine = identify(stream, name, size)
    return _guarded(lambda: _read(stream, name, size, machine), name)


def undefined_symbols(stream: BinaryIO, name: str) -> dict[str, str]:
    """Symbols that are taken from libraries → the version that is wanted of each, or an empty text."""
    return _guarded(lambda: dict(_undefined(stream)), name)


def version_key(version: str) -> tuple[int, ...]:
    """`GLIBC_2.39` as (2, 39), so that versions compare by number."""
    return tuple(int(digits) for digits in re.findall(r"[0-9]{1,9}", version.rpartition("_")[2]))


def _guarded(read: Callable[[], T], name: str) -> T:
    """Hostile headers make pyelftools fail in many ways; for us they are all one."""
    from elftools.common.exceptions import ELFError

    try:
        return read()
    except BinaryError:
        raise
    except (
        ELFError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        struct.error,
    ) as error:
        raise BinaryError(
            f"{name} is damaged: its ELF headers make no sense", hint="build it again"
        ) from error
    except (OverflowError, MemoryError, RecursionError, OSError) as error:
        raise BinaryError(
            f"{name} is damaged: its ELF headers point outside the file", hint="build it again"
        ) from error


def _read(stream: BinaryIO, name: str, size: int, machine: Machine) -> Binary:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(stream)
    segments = _checked_segments(elf, size)
    dynamic = _dynamic(elf)
    sections = tuple(_sections(elf, size))
    names = {section.name for section in sections}
    return Binary(
        path=Path(name),
        size=size,
        machine=machine,
        kind="library" if elf["e_type"] == "ET_DYN" and "DT_SONAME" in dynamic else "executable",
        interpreter=_interpreter(segments),
        needed=tuple(dynamic.get("DT_NEEDED", ())),
        soname=next(iter(dynamic.get("DT_SONAME", ())), None),
        rpath=_folders(dynamic.get("DT_RPATH", ())),
        runpath=_folders(dynamic.get("DT_RUNPATH", ())),
        versions=_needed_versions(elf),
        defines=_defined_versions(elf),
        build_id=_build_id(segments),
        stripped=".symtab" not in names,
        sections=sections,
    )


def _checked_segments(elf: Any, size: int) -> list[Any]:
    if elf.num_segments() > MAX_ENTRIES or elf.num_sections() > MAX_ENTRIES:
        raise ValueError("too many headers")
    segments = list(elf.iter_segments())
    for segment in segments:
        if segment["p_filesz"] and segment["p_offset"] + segment["p_filesz"] > size:
            raise BinaryError(
                f"{elf.stream.name if hasattr(elf.stream, 'name') else 'the file'} is cut short",
                hint="copy or build it again",
            )
    return segments


def _dynamic(elf: Any) -> dict[str, list[str]]:
    """The strings of the dynamic section by tag, read through the segment: sections may be stripped."""
    found: dict[str, list[str]] = {}
    segment = next((part for part in elf.iter_segments("PT_DYNAMIC")), None)
    if segment is None:
        return found
    wanted = {"DT_NEEDED": "needed", "DT_SONAME": "soname", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}
    for count, tag in enumerate(segment.iter_tags()):
        if count > MAX_ENTRIES:
            raise ValueError("the dynamic section has no end")
        if tag.entry.d_tag in wanted:
            found.setdefault(tag.entry.d_tag, []).append(_text(getattr(tag, wanted[tag.entry.d_tag])))
    return found


def _interpreter(segments: list[Any]) -> str | None:
    for segment in segments:
        if segment["p_type"] == "PT_INTERP":
            if segment["p_filesz"] > MAX_STRING:
                raise ValueError("the interpreter's name is too long")
            return _text(segment.get_interp_name())
    return None


def _build_id(segments: list[Any]) -> str | None:
    for segment in segments:
        if segment["p_type"] == "PT_NOTE" and segment["p_filesz"] <= 1 << 20:
            for note in segment.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return None


def _sections(elf: Any, size: int) -> Iterator[Section]:
    for section in elf.iter_sections():
        in_file = 0 if section["sh_type"] in ("SHT_NOBITS", "SHT_NULL") else section["sh_size"]
        if in_file > size:
            raise ValueError("a section is larger than the file")
        yield Section(name=_text(section.name), size=section["sh_size"], file_size=in_file)


def _needed_versions(elf: Any) -> dict[str, tuple[str, ...]]:
    section = elf.get_section_by_name(".gnu.version_r")
    if section is None or not hasattr(section, "iter_versions"):
        return {}
    return {
        _text(library.name): tuple(sorted((_text(version.name) for version in versions), key=version_key))
        for library, versions in _bounded(section.iter_versions())
    }


def _defined_versions(elf: Any) -> tuple[str, ...]:
    section = elf.get_section_by_name(".gnu.version_d")
    if section is None or not hasattr(section, "iter_versions"):
        return ()
    return tuple(_text(next(iter(names)).name) for _, names in _bounded(section.iter_versions()))


def _undefined(stream: BinaryIO) -> Iterator[tuple[str, str]]:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(stream)
    symbols: Any = elf.get_section_by_name(".dynsym")
    indexes: Any = elf.get_section_by_name(".gnu.version")
    if symbols is None or not hasattr(symbols, "iter_symbols"):
        return
    versions = _versions_by_index(elf)
    for number, symbol in enumerate(_bounded(symbols.iter_symbols())):
        if symbol["st_shndx"] == "SHN_UNDEF" and symbol.name:
            index = indexes.get_symbol(number)["ndx"] if indexes is not None else 0
            yield _text(symbol.name), versions.get(index, "")


def _versions_by_index(elf: Any) -> dict[object, str]:
    section = elf.get_section_by_name(".gnu.version_r")
    if section is None or not hasattr(section, "iter_versions"):
        return {}
    return {
        version["vna_other"]: _text(version.name)
        for _, versions in _bounded(section.iter_versions())
        for version in versions
    }


def _bounded(items: Iterator[T]) -> Iterator[T]:
    for count, item in enumerate(items):
        if count > MAX_ENTRIES:
            raise ValueError("a table has no end")
        yield item


def _folders(values: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(folder for value in values for folder in value.split(":") if folder)


def _text(value: str | bytes) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if len(text) > MAX_STRING:
        raise ValueError("a name is too long")
    return text
