"""What the user asked for and a binary go in; the base comes out, with its reason."""

import msgspec

from ferrule.base.known import FITTED, bases_that_run, has_glibc, wants_musl
from ferrule.elf.facts import Binary
from ferrule.errors import ImageError, InvalidValueError
from ferrule.oci.platform import Platform
from ferrule.oci.reference import parse_reference

SCRATCH = "scratch"
DISTROLESS_STATIC = "gcr.io/distroless/static-debian12"
RELEASES = {
    "distroless": ("gcr.io/distroless/cc-debian12", "gcr.io/distroless/cc-debian13"),
    "debian": ("docker.io/library/debian:bookworm-slim", "docker.io/library/debian:trixie-slim"),
}
"""Short name → the image of Debian 12 and that of Debian 13."""

DEBIAN_12_GLIBC = "2.36"
MUSL_DONOR = "docker.io/library/alpine:3"
LAYOUT = "oci:"


class BaseChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What the image stands on. `image` is None for scratch and fitted, whose files are all ours."""

    name: str
    image: str | None
    reason: str


def choose_base(asked: str, binary: Binary) -> BaseChoice:
    """Decide with the finished binary. Raises `ImageError` for a dynamic binary on scratch."""
    if asked == SCRATCH and not binary.is_static:
        raise ImageError(
            f"the program needs {binary.interpreter or binary.needed[0]}, and scratch has nothing",
            hint=f"try --base {', '.join(bases_that_run(binary)[:3])}, or --link static",
        )
    if asked in RELEASES and not binary.is_static and not has_glibc(DEBIAN_12_GLIBC, binary.glibc):
        return _image(RELEASES[asked][1], f"the program needs {binary.glibc}, and Debian 12 is older")
    return expected_base(asked, static=binary.is_static)


def choose_donor(asked: str | None, binary: Binary, here: Platform | None) -> str | None:
    """The image that a fitted base is taken from; None is this machine, which has its own platform's files.

    `here` is the platform of this machine, None where it is no Linux.
    """
    if asked is not None:
        return asked if asked.startswith(LAYOUT) else _full(asked)
    if here is not None and here.runs(binary.platform):
        return None
    if wants_musl(binary):
        return MUSL_DONOR
    return RELEASES["distroless"][0 if has_glibc(DEBIAN_12_GLIBC, binary.glibc) else 1]


def expected_donor(
    asked: str | None, platform: Platform, here: Platform | None, glibc: str | None
) -> str | None:
    """The same in words for a dynamic program that is not built yet; `glibc` is the oldest it runs with."""
    if asked is not None:
        return asked
    if here is not None and here.runs(platform):
        return None
    older, newer = RELEASES["distroless"]
    if glibc is not None and has_glibc(DEBIAN_12_GLIBC, glibc):
        return older
    return f"{older}, or {newer} where it needs a glibc newer than {DEBIAN_12_GLIBC}"


def expected_base(asked: str, *, static: bool, donor: str | None = None) -> BaseChoice:
    """Decide before there is a binary, for `plan`: the glibc that it needs is not known yet."""
    source = f", from {donor}" if donor else ""
    if asked == "auto" and static:
        return BaseChoice(name=SCRATCH, image=None, reason="static: it needs nothing below it")
    if asked == "auto":
        return BaseChoice(name=FITTED, image=None, reason=f"dynamic: the loader and what it links{source}")
    if asked == FITTED and static:
        return BaseChoice(name=SCRATCH, image=None, reason="static: fitted has nothing to fit to it")
    if asked == FITTED:
        return BaseChoice(name=FITTED, image=None, reason=f"asked for{source}")
    if asked == SCRATCH:
        reason = "asked for" if static else "asked for; it cannot run a dynamic binary"
        return BaseChoice(name=SCRATCH, image=None, reason=reason)
    if asked in RELEASES:
        return _short(asked, static=static)
    if asked.startswith(LAYOUT):
        return BaseChoice(name=asked, image=asked, reason="asked for, a layout on disk")
    return _image(_full(asked), "asked for")


def _short(asked: str, *, static: bool) -> BaseChoice:
    if asked == "distroless" and static:
        return _image(DISTROLESS_STATIC, "distroless for a static binary")
    return _image(RELEASES[asked][0], f"{asked} of Debian 12, whose glibc is {DEBIAN_12_GLIBC}")


def _image(name: str, reason: str) -> BaseChoice:
    return BaseChoice(name=name, image=name, reason=reason)


def _full(asked: str) -> str:
    """As docker reads it; what is no reference stays, for whoever opens it says where it was written."""
    try:
        return str(parse_reference(asked))
    except InvalidValueError:
        return asked
