"""A place of this machine inside the program's root: the text of `--mount` goes in, a `Mount` comes out."""

import os
import re
from pathlib import Path, PurePosixPath

import msgspec

from ferrule.errors import InvalidValueError, UsageError
from ferrule.values import ENGINES_OWN

TYPES = ("bind", "tmpfs")
KEYS = {
    "type": "type",
    **dict.fromkeys(("source", "src"), "source"),
    **dict.fromkeys(("target", "destination", "dst"), "target"),
    **dict.fromkeys(("readonly", "ro"), "readonly"),
}
"""Docker's names of each key, and the one that is used here."""

ANSWERS = {"": True, "true": True, "1": True, "false": False, "0": False}
HINT = "write ./static:/app/static[:ro], type=bind,source=…,target=…[,readonly] or type=tmpfs,target=…"


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """What appears at `target`: a file or folder of this machine, or an empty file system in memory.

    `source` is absolute, and empty for a file system in memory.
    """

    source: str
    target: str
    read_only: bool = False

    @property
    def kind(self) -> str:
        """As Docker names it."""
        return "bind" if self.source else "tmpfs"


def parse_mount(text: str) -> Mount:
    """`SOURCE:TARGET[:ro]`, or the form of Docker's `--mount` with the types bind and tmpfs."""
    if re.search(r"[\0-\x1f]", text):
        raise InvalidValueError("a mount has a control character in it", hint=HINT)
    if re.match(rf"({'|'.join(KEYS)})(=|,|$)", text):
        return _long(text)
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    if not source or not target or mode not in ("", "ro", "rw"):
        raise InvalidValueError(f"{text!r} is not SOURCE:TARGET", hint=HINT)
    if not source.startswith(("/", ".")) and "/" not in source:
        raise InvalidValueError(
            f"{source!r} names a volume, and only files and folders are mounted",
            hint=f"write ./{source}:{target} for the one of this name here",
        )
    return _mount(source, target, read_only=mode == "ro")


def check_mounts(mounts: tuple[Mount, ...]) -> None:
    """Raise `UsageError` for what is not there, and for a target that is named twice."""
    seen: set[str] = set()
    for mount in mounts:
        if mount.source and not os.path.exists(mount.source):  # noqa: PTH110 - Path's raises for some paths
            raise UsageError(
                f"there is no {mount.source} to mount", hint="make it first: nothing is made in its place"
            )
        if mount.target in seen:
            raise UsageError(f"two mounts have the target {mount.target}", hint="leave one of them out")
        seen.add(mount.target)


def _long(text: str) -> Mount:
    import csv  # few write it so, and many commands have the flag

    given: dict[str, str] = {}
    for field in next(csv.reader([text])):
        key, _, value = field.partition("=")
        if key not in KEYS:
            raise InvalidValueError(
                f"{key!r} of a mount is not known here", hint="there are type, source, target and readonly"
            )
        given[KEYS[key]] = value
    kind = given.get("type", "")
    if kind not in TYPES:
        said = f"a mount of type {kind!r} is not made here" if kind else "a mount has no type"
        raise InvalidValueError(said, hint="say type=bind with a source, or type=tmpfs")
    if (kind == "bind") != bool(given.get("source")) or given.get("readonly", "") not in ANSWERS:
        raise InvalidValueError(f"{text!r} is not a mount", hint=HINT)
    read_only = "readonly" in given and ANSWERS[given["readonly"]]
    if kind == "tmpfs" and read_only:
        raise InvalidValueError("a tmpfs that is read-only stays empty", hint="leave out readonly")
    return _mount(given.get("source", ""), given.get("target", ""), read_only=read_only)


def _mount(source: str, target: str, *, read_only: bool) -> Mount:
    place = PurePosixPath(target)
    if not place.is_absolute() or ".." in place.parts or len(place.parts) < 2:
        raise InvalidValueError(
            f"{target!r} is no place for a mount in the image", hint="write an absolute path like /data"
        )
    if any(place.is_relative_to(own) for own in ENGINES_OWN):
        raise InvalidValueError(
            f"nothing is mounted at {place}: the engine has its own there", hint="choose another target"
        )
    if "," in source + target:
        raise InvalidValueError("a path with a comma cannot be mounted: Podman does not take it", hint=HINT)
    # POSIX keeps two slashes at the start; no engine does.
    shown = "/" + "/".join(place.parts[1:])
    return Mount(source=str(Path(source).absolute()) if source else "", target=shown, read_only=read_only)
