"""Bases that people use, as data: which C library each of them has, and which of them run a program."""

import msgspec

from ferrule.elf.facts import Binary, version_key

GLIBC, MUSL, NONE = "glibc", "musl", "none"


class KnownBase(msgspec.Struct, frozen=True, kw_only=True):
    """A public base image. `glibc` is the newest symbol version that it offers, without the `GLIBC_`."""

    name: str
    libc: str
    glibc: str = ""
    extra: frozenset[str] = frozenset()


COMMON = frozenset({"libgcc_s.so.1", "libstdc++.so.6"})
OPENSSL = frozenset({"libssl.so.3", "libcrypto.so.3"})
SLIM = frozenset({"libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "liblzma.so.5", "libzstd.so.1"})
OF_LIBC = (
    "ld-",
    "libc.",
    "libm.",
    "libpthread.",
    "libdl.",
    "librt.",
    "libutil.",
    "libresolv.",
    "libanl.",
    "libnsl.so.1",
    "libmvec.",
)

KNOWN = (
    KnownBase(name="scratch", libc=NONE),
    KnownBase(name="gcr.io/distroless/static-debian12", libc=NONE),
    KnownBase(name="gcr.io/distroless/cc-debian12", libc=GLIBC, glibc="2.36", extra=COMMON | OPENSSL),
    KnownBase(name="gcr.io/distroless/cc-debian13", libc=GLIBC, glibc="2.41", extra=COMMON | OPENSSL),
    KnownBase(name="debian:bullseye-slim", libc=GLIBC, glibc="2.31", extra=SLIM),
    KnownBase(name="debian:bookworm-slim", libc=GLIBC, glibc="2.36", extra=SLIM),
    KnownBase(name="debian:trixie-slim", libc=GLIBC, glibc="2.41", extra=SLIM | OPENSSL),
    KnownBase(name="ubuntu:22.04", libc=GLIBC, glibc="2.35", extra=SLIM | OPENSSL),
    KnownBase(name="ubuntu:24.04", libc=GLIBC, glibc="2.39", extra=SLIM | OPENSSL),
    KnownBase(name="alpine", libc=MUSL, extra=OPENSSL | {"libz.so.1"}),
)
"""From the packages that the images are made of; a guess for hints, `check` reads the image itself."""

FITTED = "fitted"
THIS_MACHINE = "this machine"
"""What messages call the donor of a fitted base."""


def bases_that_run(binary: Binary) -> tuple[str, ...]:
    """Names of known bases that can run the program; `fitted` always can where its libraries are here."""
    if binary.is_static:
        return tuple(base.name for base in KNOWN)
    return (FITTED, *(base.name for base in KNOWN if _runs(base, binary)))


def wants_musl(binary: Binary) -> bool:
    """Whether the program's loader is musl's."""
    return binary.interpreter is not None and "/ld-musl-" in binary.interpreter


def has_glibc(newest: str, wanted: str | None) -> bool:
    """Whether a base with glibc `newest` ("2.36") offers the symbol version wanted ("GLIBC_2.39")."""
    return wanted is None or version_key(wanted) <= version_key(newest)


def _runs(base: KnownBase, binary: Binary) -> bool:
    libc = MUSL if wants_musl(binary) else GLIBC
    if base.libc != libc or (libc == GLIBC and not has_glibc(base.glibc, binary.glibc)):
        return False
    return all(name in base.extra or name.startswith(OF_LIBC) for name in binary.needed)
