"""What the user asked for and a binary go in; the base comes out, with its reason."""

import msgspec

from ferrule.base.known import FITTED, bases_that_run, has_glibc
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
    return RELEASES["distroless"][0 if has_glibc(DEBIAN_12_GLIBC, binary.glibc) else 1]


def expected_base(asked: str, *, static: bool, donor: str | None = None) -> BaseChoice:
    """Decide before there is a binary, for `plan`: the glibc that it needs is not known yet."""
    source = f", from {donor}" if donor else ""
    if asked == "auto" and static:
        return BaseChoice(name=SCRATCH, image=None, reason="static: it needs nothing below it")
    if asked == "auto":
        return BaseChoice(name=FITTED, image=None, reason=f"dynamic: the loader and what it links{source}")
    if asked == FITTED and not static:
        return BaseChoice(name=FITTED, image=None, reason=f"asked for{source}")
    if asked in (SCRATCH, FITTED):
        return BaseChoice(name=asked, image=None, reason=_own_reason(asked, static=static))
    if asked in RELEASES:
        return _short(asked, static=static)
    if asked.startswith(LAYOUT):
        return BaseChoice(name=asked, image=asked, reason="asked for, a layout on disk")
    return _image(_full(asked), "asked for")


def _own_reason(name: str, *, static: bool) -> str:
    if name == FITTED:
        return "asked for; a static binary has nothing to fit"
    return "asked for" if static else "asked for; it cannot run a dynamic binary"


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
