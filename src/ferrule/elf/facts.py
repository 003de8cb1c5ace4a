"""An ELF file goes in, a `Binary` comes out: what it is, what it links, which symbol versions it needs."""

import io
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from ferrule.elf.dynamic import (
    DT_NEEDED,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    Dynamic,
    defined_versions,
    needed_versions,
    read_dynamic,
)
from ferrule.elf.headers import ET_DYN, Machine
from ferrule.elf.reader import MAX_NAME, NT_GNU_BUILD_ID, PT_INTERP, SHT_SYMTAB, ElfFile, Section
from ferrule.elf.symbols import undefined
from ferrule.errors import BinaryError
from ferrule.oci.platform import Platform

GIVE_A_PROGRAM = "give the file of a program"


class Binary(msgspec.Struct, frozen=True, kw_only=True):
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
    elf = ElfFile(stream, name, size)
    dynamic = read_dynamic(elf)
    interpreter = _interpreter(elf)
    relocatable = elf.header.kind == ET_DYN
    return Binary(
        path=Path(name),
        size=size,
        machine=elf.header.machine,
        kind="library" if relocatable and _is_library(dynamic, interpreter) else "executable",
        relocatable=relocatable,
        interpreter=interpreter,
        needed=dynamic.texts.get(DT_NEEDED, ()),
        soname=next(iter(dynamic.texts.get(DT_SONAME, ())), None),
        rpath=_folders(dynamic.texts.get(DT_RPATH, ())),
        runpath=_folders(dynamic.texts.get(DT_RUNPATH, ())),
        versions=needed_versions(elf, dynamic),
        defines=defined_versions(elf, dynamic),
        build_id=_build_id(elf),
        stripped=elf.section(SHT_SYMTAB) is None,
        sections=elf.sections,
    )


def undefined_symbols(stream: BinaryIO, name: str) -> dict[str, str]:
    """Symbols that are taken from libraries → the version that is wanted of each, or an empty text."""
    return undefined(ElfFile(stream, name, stream.seek(0, io.SEEK_END)))


def version_key(version: str) -> tuple[int, ...]:
    """`GLIBC_2.39` as (2, 39), so that versions compare by number."""
    return tuple(int(digits) for digits in re.findall(r"[0-9]{1,9}", version.rpartition("_")[2]))


def _is_library(dynamic: Dynamic, interpreter: str | None) -> bool:
    """libc has an interpreter, Rust's cdylib has no soname, and a static PIE has neither."""
    if dynamic.texts.get(DT_SONAME):
        return True
    return interpreter is None and not dynamic.says_program


def _interpreter(elf: ElfFile) -> str | None:
    segment = elf.segment(PT_INTERP)
    if segment is None:
        return None
    if segment.file_size > MAX_NAME:
        raise elf.damaged()
    return elf.string(elf.read(segment.offset, segment.file_size), 0)


def _build_id(elf: ElfFile) -> str | None:
    return next((content.hex() for content in elf.notes(b"GNU\0", NT_GNU_BUILD_ID)), None)


def _folders(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(folder for value in values for folder in value.split(":") if folder)
