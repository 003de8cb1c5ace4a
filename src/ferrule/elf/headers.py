"""The first bytes of a file: the ELF header, or what a file is that has none."""

import struct
from typing import BinaryIO

import msgspec

from ferrule.errors import BinaryError

HEADER = 64
ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
SYSTEMS = {0: "linux", 3: "linux", 1: "HP-UX", 2: "NetBSD", 6: "Solaris", 9: "FreeBSD", 12: "OpenBSD"}
"""EI_OSABI. Linux programs say 0 (System V) or 3 (GNU)."""

MACHINES: dict[tuple[int, int, str], tuple[str, str, str]] = {
    (62, 64, "little"): ("x86-64", "amd64", ""),
    (3, 32, "little"): ("80386", "386", ""),
    (183, 64, "little"): ("AArch64", "arm64", ""),
    (40, 32, "little"): ("ARM", "arm", "v7"),
    (243, 64, "little"): ("RISC-V", "riscv64", ""),
    (21, 64, "little"): ("PowerPC64", "ppc64le", ""),
    (21, 64, "big"): ("PowerPC64", "ppc64", ""),
    (22, 64, "big"): ("S/390", "s390x", ""),
    (258, 64, "little"): ("LoongArch", "loong64", ""),
    (8, 64, "little"): ("MIPS", "mips64le", ""),
    (8, 64, "big"): ("MIPS", "mips64", ""),
    (8, 32, "little"): ("MIPS", "mipsle", ""),
    (8, 32, "big"): ("MIPS", "mips", ""),
}
"""(e_machine, class, byte order) → the machine's name, and Go's words for it as OCI uses them."""

FOREIGN = (
    (b"\xcf\xfa\xed\xfe", "a program for macOS"),
    (b"\xce\xfa\xed\xfe", "a program for macOS"),
    (b"\xfe\xed\xfa\xcf", "a program for macOS"),
    (b"\xca\xfe\xba\xbe", "a program for macOS (several processors), or a Java class"),
    (b"MZ", "a program for Windows"),
    (b"#!", "a script"),
    (b"!<arch>", "a static library"),
    (b"\0asm", "a WebAssembly module"),
)
HINT = "give an ELF binary for Linux, as cargo build makes for a *-linux-* target"


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The processor that a binary is for. `bits` is 32 or 64, `order` little or big."""

    name: str
    architecture: str
    variant: str
    bits: int
    order: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Where `count` rows of `each` bytes lie in the file; with the offset 0 there is no table."""

    offset: int
    each: int
    count: int


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The ELF header as written: `kind` is e_type, `names` the section that holds the sections' names."""

    machine: Machine
    kind: int
    segments: Table
    sections: Table
    names: int


def read_header(stream: BinaryIO, name: str) -> Header:
    """Read the ELF header by itself. Raises `BinaryError` that says what the file is instead."""
    stream.seek(0)
    head = stream.read(HEADER)
    if head[:4] != b"\x7fELF":
        what = next((what for magic, what in FOREIGN if head.startswith(magic)), "")
        raise BinaryError(f"{name} is {what or 'no ELF binary'}{'' if head else ': it is empty'}", hint=HINT)
    if len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise BinaryError(f"{name} is cut short, or is no ELF binary after all", hint=HINT)
    bits, order = 32 * head[4], "little" if head[5] == 1 else "big"
    if len(head) < (52 if bits == 32 else 64):
        raise BinaryError(f"{name} is cut short", hint="copy or build it again")
    word, entry = ("I", "4x") if bits == 32 else ("Q", "8x")
    kind, number, segments, sections, each_segment, segment_count, each_section, section_count, names = (
        struct.unpack_from(f"{'<' if order == 'little' else '>'}HH4x{entry}{word}{word}6xHHHHH", head, 16)
    )
    _check_kind(name, head[7], kind)
    return Header(
        machine=_machine(number, bits, order),
        kind=kind,
        segments=Table(offset=segments, each=each_segment, count=segment_count),
        sections=Table(offset=sections, each=each_section, count=section_count),
        names=names,
    )


def _machine(number: int, bits: int, order: str) -> Machine:
    label, architecture, variant = MACHINES.get(
        (number, bits, order), (f"machine {number}", f"elf{number}", "")
    )
    return Machine(name=label, architecture=architecture, variant=variant, bits=bits, order=order)


def _check_kind(name: str, abi: int, kind: int) -> None:
    system = SYSTEMS.get(abi, f"system {abi}")
    if system != "linux":
        raise BinaryError(f"{name} is a program for {system}", hint=HINT)
    if kind not in (ET_EXEC, ET_DYN):
        what = {ET_REL: "an object file", ET_CORE: "a core dump"}.get(kind, "no program")
        raise BinaryError(f"{name} is {what}", hint=HINT)
