"""The files that every program expects around it: users, /tmp, name service, CA roots, time zones."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ferrule.base.entry import FileEntry
from ferrule.elf.files import Files
from ferrule.values import NONROOT, User

PASSWD = (
    "root:x:0:0:root:/root:/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin",
    f"nonroot:x:{NONROOT}:{NONROOT}:nonroot:/:/sbin/nologin",
)
GROUP = ("root:x:0:", "nobody:x:65534:", f"nonroot:x:{NONROOT}:")
NSSWITCH = "hosts: files dns\n"
CA_FILE = PurePosixPath("/etc/ssl/certs/ca-certificates.crt")
ZONES = PurePosixPath("/usr/share/zoneinfo")
ZONE_MAGIC = b"TZif"
WORDS = {
    "users": {PurePosixPath("/etc/passwd"), PurePosixPath("/etc/group")},
    "nsswitch": {PurePosixPath("/etc/nsswitch.conf")},
    "/tmp": {PurePosixPath("/tmp")},  # noqa: S108 - the image's, not ours
    "certificates": {CA_FILE},
}
"""What a layer's title calls these files; zones are known by their folder."""


def skeleton(user: User) -> tuple[FileEntry, ...]:
    """A /tmp, and the tables that name users and tell glibc to ask files and DNS for hosts.

    The user gets a line of its own where it is none of root, nobody and nonroot: `getpwuid` finds it.
    """
    passwd, group = list(PASSWD), list(GROUP)
    if user.uid not in _numbers(PASSWD):
        passwd.append(f"app:x:{user.uid}:{user.gid}:app:/:/sbin/nologin")
    if user.gid not in _numbers(GROUP):
        group.append(f"app:x:{user.gid}:")
    return (
        FileEntry(path=PurePosixPath("/tmp"), kind="dir", mode=0o1777),  # noqa: S108 - the image's, not ours
        _text("/etc/group", "\n".join(group) + "\n"),
        _text("/etc/nsswitch.conf", NSSWITCH),
        _text("/etc/passwd", "\n".join(passwd) + "\n"),
    )


def accounts_over(user: User, files: Files) -> tuple[FileEntry, ...]:
    """The base's own /etc/passwd and /etc/group with a line for the user behind, where it has none yet."""
    lines = {
        PurePosixPath("/etc/passwd"): (user.uid, f"app:x:{user.uid}:{user.gid}:app:/:/sbin/nologin\n"),
        PurePosixPath("/etc/group"): (user.gid, f"app:x:{user.gid}:\n"),
    }
    return tuple(
        FileEntry(path=path, kind="file", source=content + line.encode())
        for path, (number, line) in lines.items()
        if (content := _content(files, path)) is not None and f":x:{number}:".encode() not in content
    )


def _content(files: Files, path: PurePosixPath) -> bytes | None:
    real = files.resolve(path)
    if real is None:
        return None
    with files.open(real) as stream:
        content = stream.read()
    return content if content.endswith(b"\n") or not content else content + b"\n"


def words_for(entries: tuple[FileEntry, ...]) -> tuple[str, ...]:
    """What there is of the above among the entries, as a layer's title says it."""
    paths = {entry.path for entry in entries}
    words = tuple(word for word, places in WORDS.items() if places & paths)
    return (*words, "zones") if any(ZONES in path.parents for path in paths) else words


def certificates() -> tuple[FileEntry, ...]:
    """Mozilla's CA roots as certifi packs them, where Debian has its bundle."""
    import certifi

    return (FileEntry(path=CA_FILE, kind="file", source=Path(certifi.where())),)


def time_zones() -> tuple[FileEntry, ...]:
    """The zones of the tzdata package: a file for each distinct content, symbolic links for its other names.

    Tables such as zone.tab are left out: programs read zones by name.
    """
    import tzdata

    folder = Path(tzdata.__path__[0]) / "zoneinfo"
    names: dict[bytes, list[PurePosixPath]] = {}
    for name, content in sorted(_zones(folder)):
        names.setdefault(content, []).append(name)
    entries = (entry for content, same in names.items() for entry in _zone(content, same))
    return tuple(sorted(entries, key=lambda entry: entry.path))


def _zones(folder: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    for file in folder.rglob("*"):
        if file.is_file() and (content := file.read_bytes()).startswith(ZONE_MAGIC):
            yield PurePosixPath(file.relative_to(folder).as_posix()), content


def _zone(content: bytes, names: list[PurePosixPath]) -> Iterator[FileEntry]:
    first, *others = names
    yield FileEntry(path=ZONES / first, kind="file", source=content)
    for name in others:
        up = "../" * (len(name.parts) - 1)
        yield FileEntry(path=ZONES / name, kind="link", mode=0o777, target=f"{up}{first}")


def _numbers(lines: tuple[str, ...]) -> set[int]:
    return {int(line.split(":")[2]) for line in lines}


def _text(path: str, content: str) -> FileEntry:
    return FileEntry(path=PurePosixPath(path), kind="file", source=content.encode())
