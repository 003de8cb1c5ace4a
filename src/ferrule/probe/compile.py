"""The probe or the init for a platform: a name and a Rust toolchain go in, a static program comes out.

Either is a few kilobytes that need no library, compiled from the source beside this file and kept in a cache:
the same source, rustc, target and linker give the same bytes in any folder.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ferrule.atomic import appearing, scratch
from ferrule.cargo.toolchain import Toolchain
from ferrule.cargo.tools import COMPILERS
from ferrule.errors import BuildError, OutputError
from ferrule.process import Command, ProgramMissingError, Runner

SOURCE = Path(__file__).parent / "source"
PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}
"""Processor as OCI names it → as Rust does: those whose system calls the source knows."""

FLAGS = (
    *("--edition", "2021", "--crate-type", "bin"),
    *("-C", "panic=abort", "-C", "opt-level=z", "-C", "codegen-units=1", "-C", "strip=symbols"),
    *("-C", "relocation-model=static", "-C", "force-unwind-tables=no", "-C", "target-feature=+crt-static"),
    *("-C", "default-linker-libraries=no", "-C", "link-self-contained=no"),
)
FOR_LD = ("-static", "--build-id=none", "-z", "noseparate-code", "-n")
FOR_CC = ("-static", "-no-pie", "-nostartfiles", "-nostdlib", "-Wl,--build-id=none,-z,noseparate-code,-n")
PRIVATE = 0o700
DIGEST_BYTES = hashlib.sha256().digest_size

Linker = tuple[str, ...]
"""rustc's flags that choose a linker, and tell it what it is to do."""


def compile_program(
    runner: Runner, toolchain: Toolchain, triple: str, name: str, cache: Path, source: Path = SOURCE
) -> bytes:
    """`probe` or `init` for a triple of one of `PROCESSORS`, whose `core` must be installed.

    Raises `BuildError` with what rustc or the last of the linkers says.
    """
    known = linkers(toolchain, triple)
    made_by = _digest("\0".join((toolchain.version, triple, *FLAGS, *map(" ".join, known))).encode())
    kept = _folder(cache) / f"{_prefix(name, triple.partition('-')[0], source)}{made_by}"
    program = _read(kept)
    if program is None:
        argv = (_rustc(toolchain), *FLAGS, "--remap-path-prefix", f"{source}=/ferrule", "--target", triple)
        command = Command(argv=(*argv, f"{name}.rs"), cwd=source)
        with scratch(cache / "tmp") as folder:
            program = _compiled(runner, command, known, folder / name)
        with suppress(OutputError), appearing(kept) as part:  # a full disk costs the next run half a second
            part.write_bytes(hashlib.sha256(program).digest() + program)
    return program


def recall_program(name: str, processor: str, cache: Path) -> bytes | None:
    """The same of an earlier run, whatever rustc it had; None where the cache has none of this source."""
    kept = _folder(cache).glob(f"{_prefix(name, PROCESSORS[processor], SOURCE)}*")
    return next(filter(None, map(_read, sorted(kept))), None)


def linkers(toolchain: Toolchain, triple: str) -> tuple[Linker, ...]:
    """Those of this machine, the best first: Rust's own links for every processor, a C compiler for one."""
    return tuple(_linkers(toolchain, triple))


def _linkers(toolchain: Toolchain, triple: str) -> Iterator[Linker]:
    if (toolchain.library_folder(toolchain.host).parent / "bin" / "rust-lld").is_file():
        yield linker_flags("rust-lld", "ld.lld", FOR_LD)
    if shutil.which("ld.lld"):
        yield linker_flags("ld.lld", "ld.lld", FOR_LD)
    own = triple.partition("-")[0] == toolchain.host.partition("-")[0] and "-linux-" in toolchain.host
    compiler = "cc" if own else f"{COMPILERS.get(triple.replace('musl', 'gnu'), triple)}-gcc"
    if shutil.which(compiler):
        yield linker_flags(compiler, "gcc", FOR_CC)
        yield linker_flags(
            compiler, "gcc", (*FOR_CC, "-fuse-ld=bfd")
        )  # since 1.90 rustc asks for lld by itself


def linker_flags(program: str, flavour: str, words: tuple[str, ...]) -> Linker:
    """For rustc: which linker, how it takes its words, and what it is told besides."""
    passed = (part for word in words for part in ("-C", f"link-arg={word}"))
    return ("-C", f"linker={program}", "-C", f"linker-flavor={flavour}", *passed)


def _compiled(runner: Runner, command: Command, known: tuple[Linker, ...], made: Path) -> bytes:
    """By the first linker that does it."""
    said = "nothing on this machine links for it"
    for linker in known:
        try:
            finished = runner.run(command._replace(argv=(*command.argv, *linker, "-o", str(made))))
        except ProgramMissingError as error:
            said = error.message
            continue
        if finished.ok and made.is_file():
            return made.read_bytes()
        said = _first_error(finished.stderr)
    raise BuildError(
        f"{command.argv[-1]}: {said}", hint="install Rust by rustup, which brings a linker for it"
    )


def _rustc(toolchain: Toolchain) -> str:
    """The program itself: a shim of rustup's would choose a toolchain anew, by the folder of our source."""
    own = toolchain.sysroot / "bin" / "rustc"
    return str(own) if own.is_file() else os.environ.get("RUSTC", "rustc")


def _first_error(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").splitlines()
    errors = (line.removeprefix("error: ") for line in lines if line.startswith("error"))
    return next(errors, "rustc does not say why")


def _folder(cache: Path) -> Path:
    """Where they are kept, for this user alone: a digest that lies beside a program proves nothing of others.

    Raises `OutputError` where that cannot be.
    """
    folder = cache / "probe"
    try:
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o777 != PRIVATE:
            folder.chmod(PRIVATE)
    except OSError as error:
        raise OutputError(
            f"cannot use the cache {folder}: {error.strerror}", hint="set FERRULE_CACHE_DIR"
        ) from error
    return folder


def _prefix(name: str, processor: str, source: Path) -> str:
    """How the names of all programs of this source begin."""
    return f"{name}-{processor}-{_digest(*(path.read_bytes() for path in sorted(source.glob('*.rs'))))}-"


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _read(kept: Path) -> bytes | None:
    """A program that is whole, as its digest in front of it says."""
    try:
        content = kept.read_bytes()
    except OSError:
        return None
    digest, program = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    return program if hashlib.sha256(program).digest() == digest else None
