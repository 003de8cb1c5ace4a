"""An ELF file goes in, a `Binary` comes out: what it is, what it links, which symbol versions it needs."""

import re
import stat
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar, cast

from ferrule.elf.bounded import BoundedStream
from ferrule.elf.dynamic import Dynamic, defined_versions, needed_versions, printable, read_dynamic
from ferrule.elf.headers import Machine, identify
from ferrule.elf.symbols import undefined
from ferrule.errors import BinaryError
from ferrule.oci.platform import Platform

T = TypeVar("T")
MAX_INTERPRETER = 4096
MAX_NOTES = 1 << 20
GIVE_A_PROGRAM = "give the file of a program"


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
    `kind` is executable or library; `relocatable` is whether it may be loaded anywhere (PIE).
    """

    path: Path
    size: int
    machine: Machine
    kind: str
    relocatable: bool
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
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise BinaryError(f"{path} is {what}", hint=GIVE_A_PROGRAM)
        with path.open("rb") as stream:
            binary = read_elf(stream, str(path), status.st_size)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name cannot be one"
        raise BinaryError(f"cannot read {path}: {reason}", hint=GIVE_A_PROGRAM) from error
    if binary.kind == "library":
        raise BinaryError(f"{path} is a shared library, not a program", hint=GIVE_A_PROGRAM)
    return binary


def read_elf(stream: BinaryIO, name: str, size: int) -> Binary:
    """Read any ELF file, libraries too. `size` is the file's, against which every offset is checked."""
    machine = identify(stream, name, size)
    return _guarded(lambda: _read(stream, name, size, machine), name)


def undefined_symbols(stream: BinaryIO, name: str) -> dict[str, str]:
    """Symbols that are taken from libraries → the version that is wanted of each, or an empty text."""
    return _guarded(lambda: undefined(_open(stream)), name)


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


def _open(stream: BinaryIO) -> Any:
    from elftools.elf.elffile import ELFFile

    # pyelftools seeks, tells and reads, and does nothing else with a stream.
    return ELFFile(cast("IO[bytes]", BoundedStream(stream)))


def _read(stream: BinaryIO, name: str, size: int, machine: Machine) -> Binary:
    elf = _open(stream)
    segments = list(_checked_segments(elf, name, size))
    dynamic = read_dynamic(elf)
    interpreter = _interpreter(segments)
    sections = tuple(_sections(elf, name, size))
    relocatable = elf["e_type"] == "ET_DYN"
    return Binary(
        path=Path(name),
        size=size,
        machine=machine,
        kind="library" if relocatable and _is_library(dynamic, interpreter) else "executable",
        relocatable=relocatable,
        interpreter=interpreter,
        needed=dynamic.texts.get("DT_NEEDED", ()),
        soname=next(iter(dynamic.texts.get("DT_SONAME", ())), None),
        rpath=_folders(dynamic.texts.get("DT_RPATH", ())),
        runpath=_folders(dynamic.texts.get("DT_RUNPATH", ())),
        versions=needed_versions(elf, dynamic),
        defines=defined_versions(elf, dynamic),
        build_id=_build_id(segments),
        stripped=".symtab" not in {section.name for section in sections},
        sections=sections,
    )


def _is_library(dynamic: Dynamic, interpreter: str | None) -> bool:
    """libc has an interpreter, Rust's cdylib has no soname, and a static PIE has neither."""
    if "DT_SONAME" in dynamic.texts:
        return True
    return interpreter is None and not dynamic.says_program


def _checked_segments(elf: Any, name: str, size: int) -> Iterator[Any]:
    for segment in elf.iter_segments():
        if segment["p_filesz"] and segment["p_offset"] + segment["p_filesz"] > size:
            raise BinaryError(f"{name} is cut short", hint="copy or build it again")
        yield segment


def _interpreter(segments: list[Any]) -> str | None:
    for segment in segments:
        if segment["p_type"] == "PT_INTERP":
            if segment["p_filesz"] > MAX_INTERPRETER:
                raise ValueError("the interpreter's name is too long")
            return printable(segment.get_interp_name())
    return None


def _build_id(segments: list[Any]) -> str | None:
    for segment in segments:
        if segment["p_type"] == "PT_NOTE" and segment["p_filesz"] <= MAX_NOTES:
            for note in segment.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return None


def _sections(elf: Any, name: str, size: int) -> Iterator[Section]:
    for section in elf.iter_sections():
        in_file = 0 if section["sh_type"] in ("SHT_NOBITS", "SHT_NULL") else section["sh_size"]
        if in_file and section["sh_offset"] + in_file > size:
            raise BinaryError(f"{name} is cut short", hint="copy or build it again")
        yield Section(name=section.name, size=section["sh_size"], file_size=in_file)


def _folders(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(folder for value in values for folder in value.split(":") if folder)
