"""Who runs: the image's `User` and its own /etc/passwd and /etc/group go in, numbers come out."""

import msgspec

from ferrule.engine.rootfs import RootFolder
from ferrule.errors import ImageError

MAX_ID = 2**32 - 2


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A user as the kernel knows one, as Docker makes it of the same image.

    `groups` has the first one too. `home` is `/` for a user without an entry.
    """

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str = "/"


def find_account(user: str, root: RootFolder) -> Account:
    """The account for `User`: a name or a number, and behind a colon a group. Empty means root.

    Raises `ImageError` for a name that the image does not have.
    """
    name, _, group = (user or "0").partition(":")
    users = _entries(root.read("etc/passwd"), 7)
    entry = next((line for line in users if name in (line[0], line[2])), None)
    if entry is None and not name.isdecimal():
        raise ImageError(f"the image's user {name!r} is not in its /etc/passwd", hint="use a number")
    groups = _entries(root.read("etc/group"), 4)
    uid = _number(entry[2] if entry else name)
    home = (entry[5] if entry else "") or "/"
    others: tuple[int, ...] = ()
    if group:
        gid = _group(group, groups)
    elif entry is None:
        gid = 0
    else:
        gid = _number(entry[3])
        others = tuple(_number(line[2]) for line in groups if entry[0] in line[3].split(","))
    return Account(uid=uid, gid=gid, groups=(gid, *others), home=home)


def _group(group: str, groups: list[list[str]]) -> int:
    for line in groups:
        if group in (line[0], line[2]):
            return _number(line[2])
    if not group.isdecimal():
        raise ImageError(f"the image's group {group!r} is not in its /etc/group", hint="use a number")
    return _number(group)


def _entries(text: str, fields: int) -> list[list[str]]:
    lines = [line.split(":") for line in text.splitlines()]
    return [line for line in lines if len(line) == fields]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= MAX_ID):
        raise ImageError(f"the image's user or group {text[:40]!r} is not a number that Linux takes")
    return int(text)
