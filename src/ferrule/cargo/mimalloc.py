"""mimalloc as a library to link over malloc: a C compiler goes in, the folder of a `libmimalloc.a` comes out.

The source is that of a crate, which cargo fetches as it fetches any other: with the user's own mirrors,
vendored sources and offline mode. For musl the library holds memory functions of our own too.
"""

import hashlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ferrule.atomic import appearing, scratch
from ferrule.cargo.c_compiler import CCompiler
from ferrule.cargo.flags import Remap, c_environment
from ferrule.cargo.plan import BuildPlan
from ferrule.cargo.target import Target
from ferrule.errors import BuildError, ProjectError
from ferrule.process import Command, ProgramMissingError, Runner
from ferrule.report import Report

CRATE, CRATE_VERSION = "libmimalloc-sys", "0.1.49"
CHECKSUM = "6a45a52f43e1c16f667ccfe4dd8c85b7f7c204fd5e3bf46c5b0db9a5c3c0b8e9"
SOURCE = "c_src/mimalloc/v2"
MIMALLOC_VERSION = "2.3.2"
"""What lies at `SOURCE` in the crate: see decision 34 for why it is not v3."""

MEMCPY = Path(__file__).parent / "memcpy.c"
MEMCPY_PROCESSORS = ("x86_64", "aarch64")
"""Those for which the source was written, and tried."""

LIBRARY, DIGEST = "libmimalloc.a", "sha256"
WITHOUT_IT = "choose --allocator system"

COMMON = (
    *("-O3", "-fPIC", "-fvisibility=hidden", "-g0"),
    # What distributions and CFLAGS may turn on: glibc's checked functions, objects of one compiler alone.
    *("-U_FORTIFY_SOURCE", "-fno-lto"),
)
FLAGS = (
    *COMMON,
    *("-DNDEBUG", "-DMI_MALLOC_OVERRIDE=1", "-ftls-model=local-exec"),
    # Else it asks for huge pages, of which each thread touches a few: see decision 34.
    "-DMI_NO_THP=1",
    # Otherwise the object would hold the time, and the folder that it was made in.
    *('-D__DATE__=""', '-D__TIME__=""', "-Wno-builtin-macro-redefined"),
)
MEMCPY_FLAGS = (*COMMON, "-ffreestanding", "-fno-builtin", "-fno-stack-protector")
"""What defines memcpy is not to call it, and runs before a thread has a place for its canary."""


def brings_memcpy(target: Target) -> bool:
    """Whether memory functions are linked along: where musl's are slow."""
    return target.is_musl and target.triple.partition("-")[0] in MEMCPY_PROCESSORS


def with_mimalloc(plan: BuildPlan, folder: Path) -> BuildPlan:
    """The same build with the library in the final link, whole: a linker takes none of it for malloc alone,
    once it has libc's. As an object among the others it would come after libc, and collide."""
    flags = ("-L", f"native={folder}", "-l", "static:+whole-archive=mimalloc")
    return replace(plan, target=replace(plan.target, flags=(*plan.target.flags, *flags)))


def mimalloc_folder(
    runner: Runner, report: Report, plan: BuildPlan, compiler: CCompiler, cache: Path
) -> Path:
    """Where the library lies, after it was compiled if need be. `cache` is the user's cache folder.

    It is found again by everything that it depends on, and believed only if it is as it was written.
    Raises `ProjectError` where its source cannot be had, `BuildError` where it does not compile.
    """
    own = _own_flags(plan)
    facts = (CHECKSUM, SOURCE, plan.triple, _version(runner, compiler), *compiler.argv, *own, *FLAGS)
    if brings_memcpy(plan.target):
        facts = (*facts, *MEMCPY_FLAGS, hashlib.sha256(MEMCPY.read_bytes()).hexdigest())
    folder = cache / "mimalloc" / hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]
    if _is_whole(folder):
        return folder
    with report.step(f"compiling mimalloc {MIMALLOC_VERSION}"), scratch(cache / "tmp") as place:
        source = _fetch(runner, plan, place) / SOURCE
        includes = (f"-I{source / 'include'}", f"-I{source / 'src'}")
        parts = {"mimalloc.o": (source / "src" / "static.c", (*own, *FLAGS, *includes))}
        if brings_memcpy(plan.target):
            parts["memcpy.o"] = (MEMCPY, (*own, *MEMCPY_FLAGS))
        objects = {name: _compile(runner, compiler, *part, place / name) for name, part in parts.items()}
        library = _archive(objects)
    for name, data in ((LIBRARY, library), (DIGEST, hashlib.sha256(library).hexdigest().encode())):
        with appearing(folder / name) as part:
            part.write_bytes(data)
    return folder


def _is_whole(folder: Path) -> bool:
    try:
        digest = hashlib.sha256((folder / LIBRARY).read_bytes()).hexdigest()
        return digest.encode() == (folder / DIGEST).read_bytes()
    except OSError:
        return False


def _own_flags(plan: BuildPlan) -> tuple[str, ...]:
    """What the user has set for C in this target's crates, such as a sysroot."""
    set_ = c_environment(plan.triple, Remap(pairs=()), os.environ)
    return tuple(set_[f"CFLAGS_{plan.triple.replace('-', '_')}"].split())


def _version(runner: Runner, compiler: CCompiler) -> str:
    try:
        finished = runner.run(Command(argv=(*compiler.argv, "--version"), env=dict(compiler.env)))
    except ProgramMissingError as error:
        raise ProjectError(f"mimalloc cannot be compiled: {error.message}", hint=WITHOUT_IT) from error
    if not finished.ok:
        said = _first_error(finished.stderr)
        raise ProjectError(f"{compiler} does not say its version: {said}", hint=WITHOUT_IT)
    return finished.stdout.decode(errors="replace")


_MANIFEST = f"""[package]
name = "ferrule-allocator"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[dependencies]
{CRATE} = "={CRATE_VERSION}"
[workspace]
"""


class _Package(msgspec.Struct):
    name: str
    manifest_path: str


class _Metadata(msgspec.Struct):
    packages: tuple[_Package, ...]


def _fetch(runner: Runner, plan: BuildPlan, place: Path) -> Path:
    """The crate's folder, wherever cargo keeps it. The network is asked only for what is not here yet."""
    manifest = place / "Cargo.toml"
    for path, text in ((manifest, _MANIFEST), (place / "lib.rs", "")):
        with appearing(path) as part:
            part.write_text(text)
    argv = ("cargo", "metadata", "--format-version", "1", "--manifest-path", str(manifest))
    # In the project's folder, whose configuration says where crates come from.
    finished = runner.run(Command(argv=(*argv, "--offline"), cwd=plan.project.folder))
    if not finished.ok and not (plan.options.offline or plan.options.frozen):
        finished = runner.run(Command(argv=argv, cwd=plan.project.folder))
    if not finished.ok:
        raise ProjectError(
            f"mimalloc's source, {CRATE} {CRATE_VERSION}, cannot be had: {_first_error(finished.stderr)}",
            hint=f"let cargo fetch it once, or vendor it; or {WITHOUT_IT}",
        )
    _check(place / "Cargo.lock")
    packages = msgspec.json.decode(finished.stdout, type=_Metadata).packages
    return next(Path(package.manifest_path).parent for package in packages if package.name == CRATE)


def _check(lock: Path) -> None:
    """What cargo has verified is to be what we mean, whoever has served it."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8")).get("package", [])
    found = next(package.get("checksum") for package in packages if package["name"] == CRATE)
    if found != CHECKSUM:
        raise ProjectError(
            f"{CRATE} {CRATE_VERSION} has another checksum here: {found}",
            hint=f"look where cargo gets its crates from; or {WITHOUT_IT}",
        )


def _compile(
    runner: Runner, compiler: CCompiler, source: Path, flags: tuple[str, ...], target: Path
) -> bytes:
    own = (*flags, f"-ffile-prefix-map={source.parents[1]}=/{target.stem}")
    argv = (*compiler.argv, *own, "-c", str(source), "-o", str(target))
    finished = runner.run(Command(argv=argv, cwd=target.parent, env={**compiler.env, "LC_ALL": "C"}))
    if not finished.ok:
        said = _first_error(finished.stderr)
        raise BuildError(f"{compiler} cannot compile {target.stem}: {said}", hint=WITHOUT_IT)
    return target.read_bytes()


def _archive(objects: Mapping[str, bytes]) -> bytes:
    """An archive without a symbol table, which no linker asks for when it takes all of it.

    Written here, so that it takes no `ar` and holds no time and no user.
    """
    members = b""
    for name, code in objects.items():
        head = f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(code):<10}`\n"
        members += head.encode() + code + b"\n" * (len(code) % 2)
    return b"!<arch>\n" + members


def _first_error(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    told = next((line for line in lines if "error" in line), lines[0] if lines else "no reason given")
    return told.rpartition("error: ")[2]
