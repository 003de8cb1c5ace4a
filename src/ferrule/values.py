"""The small values that flags and tables have in common: ports, users, variables, files, durations."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from ferrule.errors import InvalidValueError

MAX_ID = 2**32 - 2
NONROOT = 65532
"""The numeric user that distroless images made common: no name service needs to know it."""

PROGRAM_FOLDER = PurePosixPath("/app")
"""Where programs lie in the image; nobody but root can write there."""

BINARY = "{bin}"
"""Stands for the binary's name in the image's repository and in outputs."""

SIGNALS = (
    *("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "IOT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2"),
    *(
        "PIPE",
        "ALRM",
        "TERM",
        "STKFLT",
        "CHLD",
        "CLD",
        "CONT",
        "STOP",
        "TSTP",
        "TTIN",
        "TTOU",
        "URG",
        "XCPU",
        "XFSZ",
    ),
    *("VTALRM", "PROF", "WINCH", "IO", "POLL", "PWR", "SYS", r"RTMIN(?:\+(?:[12]?[0-9]|30))?"),
    r"RTMAX(?:-(?:[12]?[0-9]|30))?",
)
SIGNAL = re.compile(rf"(?:SIG)?(?:{'|'.join(SIGNALS)})|[1-9]|[1-5][0-9]|6[0-4]")
"""Those of Linux, signal(7): images are for it, wherever they are made."""

ENGINES_OWN = tuple(map(PurePosixPath, ("/dev", "/proc", "/sys")))
"""What every engine puts into a container itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """A port that the program listens on, inside the container."""

    number: int
    protocol: str = "tcp"

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Numeric ids: Kubernetes' `runAsNonRoot` refuses names."""

    uid: int = NONROOT
    gid: int = NONROOT

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCopy:
    """A file, a folder, or a pattern (relative to the package), and its place in the image."""

    source: str
    target: PurePosixPath


def covers(copy: FileCopy, name: str) -> bool:
    """Whether a source has to do with a file or folder of the package: it, above it, or in it."""
    ours, theirs = (PurePosixPath(posixpath.normpath(path)) for path in (copy.source, name))
    return ours.is_relative_to(theirs) or theirs.is_relative_to(ours)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPort:
    """A port of this machine and the container's port behind it."""

    host: int
    container: int
    protocol: str = "tcp"


def parse_port(text: str | int) -> Port:
    """`3000`, `"3000"`, `"53/udp"`."""
    match = re.fullmatch(r"([0-9]{1,5})(?:/(tcp|udp|sctp))?", str(text))
    if isinstance(text, bool) or not match or not 0 < int(match[1]) < 65536:
        raise InvalidValueError(
            f"{text!r} is not a port", hint="write it like 3000 or 53/udp, from 1 to 65535"
        )
    return Port(number=int(match[1]), protocol=match[2] or "tcp")


def parse_published_port(text: str) -> PublishedPort:
    """`8080:3000`, or `3000` for the same on both sides; `5353:53/udp`."""
    ports, slash, protocol = text.partition("/")
    host, colon, container = ports.partition(":")
    try:
        inside = parse_port((container if colon else host) + slash + protocol)
        return PublishedPort(host=parse_port(host).number, container=inside.number, protocol=inside.protocol)
    except InvalidValueError as error:
        raise InvalidValueError(
            f"{text!r} is not a pair of ports",
            hint="write it like 8080:3000 or 5353:53/udp, the port of this machine first",
        ) from error


def parse_user(text: str) -> User:
    """`65532` or `65532:65532`; the group is the user's number when it is not said."""
    match = re.fullmatch(r"([0-9]{1,10})(?::([0-9]{1,10}))?", text)
    if not match or max(int(match[1]), int(match[2] or 0)) > MAX_ID:
        raise InvalidValueError(
            f"{text!r} is not a numeric user",
            hint="write UID or UID:GID: Kubernetes' runAsNonRoot refuses names",
        )
    return User(uid=int(match[1]), gid=int(match[2] or match[1]))


def parse_env(text: str) -> tuple[str, str]:
    """`NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not equals or not name or re.search(r"[\s\0]", name) or "\0" in value:
        what = "the value has a NUL character" if "\0" in value else f"{name!r} is not NAME=VALUE"
        raise InvalidValueError(what, hint="write it like RUST_LOG=info")
    return name, value


def parse_label(text: str) -> tuple[str, str]:
    """`KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidValueError(f"{text!r} is not KEY=VALUE", hint="write it like com.example.team=payments")
    return key, value


def parse_file(value: str | Mapping[str, Any]) -> FileCopy:
    """`FROM:TO`, or the table `{ from = "…", to = "/…" }`."""
    if isinstance(value, str):
        source, colon, target = value.rpartition(":")
        if not colon:
            raise InvalidValueError(f"{value!r} is not FROM:TO", hint="write it like static:/app/static")
    else:
        source, target = _strings(
            value, ("from", "to"), 'write it like { from = "static", to = "/app/static" }'
        )
    path = _path(target)
    is_place = path.is_absolute() and ".." not in path.parts and path != PurePosixPath("/")
    if not source or not is_place or "\0" in source + target:
        raise InvalidValueError(
            f"{target!r} is no place for a file in the image", hint="write an absolute path like /app/static"
        )
    return FileCopy(source=source, target=path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A file or folder to write: kind is oci, docker-archive or binary."""

    kind: str
    path: Path
    tag: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}" + (f":{self.tag}" if self.tag else "")

    def for_binary(self, name: str) -> "Output":
        """With the binary's name for `{bin}`."""
        path, tag = Path(str(self.path).replace(BINARY, name)), self.tag and self.tag.replace(BINARY, name)
        return Output(kind=self.kind, path=path, tag=tag)


def parse_output(text: str) -> Output:
    """`oci:DIR[:TAG]`, `docker-archive:FILE` or `binary:FILE`, named as skopeo names them."""
    kind, colon, rest = text.partition(":")
    if kind not in ("oci", "docker-archive", "binary") or not colon or not rest:
        raise InvalidValueError(
            f"{text!r} is not a destination", hint="write oci:DIR[:TAG], docker-archive:FILE or binary:FILE"
        )
    path, tagged, tag = rest.rpartition(":") if kind == "oci" else (rest, "", "")
    if tagged and "/" not in tag and path:
        return Output(kind=kind, path=Path(path), tag=tag)
    return Output(kind=kind, path=Path(rest))


def parse_mirror(text: str) -> tuple[str, str]:
    """`gcr.io=127.0.0.1:5000`: the registry that names use, and the one that is asked instead."""
    source, equals, target = text.partition("=")
    if not equals or not all(
        re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", host) for host in (source, target)
    ):
        raise InvalidValueError(
            f"{text!r} is not a mirror", hint="write it like gcr.io=mirror.example.com:5000"
        )
    return source, target


def parse_folder(text: str) -> PurePosixPath:
    """An absolute folder inside the image."""
    path = _path(text)
    if not path.is_absolute() or ".." in path.parts or "\0" in text:
        raise InvalidValueError(f"{text!r} is not an absolute path", hint="it begins with /, like /app")
    return path


def parse_library(text: str) -> str:
    """What a program gives to dlopen: a soname, or an absolute path with `$LIB`, and wildcards at its end."""
    folder, _, name = text.rpartition("/")
    is_soname = not folder and text == name and not re.search(r"[*?\[]", name)
    is_path = folder.startswith("/") and ".." not in folder.split("/") and not re.search(r"[*?\[]", folder)
    if not name or not text.isprintable() or not (is_soname or is_path):
        raise InvalidValueError(
            f"{text!r} is not a library",
            hint="write a soname such as libfoo.so.1, or a path such as /usr/$LIB/ossl-modules/*.so",
        )
    return text


def parse_volume(text: str) -> PurePosixPath:
    """A folder for data: not the program's, and none of those that an engine mounts."""
    path = parse_folder(text)
    if path in (PROGRAM_FOLDER, *PROGRAM_FOLDER.parents) or any(map(path.is_relative_to, ENGINES_OWN)):
        raise InvalidValueError(
            f"{text!r} is no folder for data", hint="choose one of its own, like /data or /var/lib/shop"
        )
    return path


def parse_argument(text: str) -> str:
    """A word of a command line, which the system ends at a NUL."""
    if "\0" in text:
        raise InvalidValueError("an argument has a NUL character", hint="leave it out")
    return text


def parse_migrations(value: str | bool) -> str | Literal[False]:  # noqa: FBT001 - TOML's own
    """A folder of the project, or `false`."""
    if value is True or value == "" or "\0" in str(value):
        raise InvalidValueError("it is a folder of the project, or false", hint='write it like "migrations"')
    return value


def parse_signal(text: str) -> str:
    """A signal of Linux by its name or number, as STOPSIGNAL has it."""
    if not SIGNAL.fullmatch(text):
        raise InvalidValueError(f"{text!r} is not a signal", hint="write it like SIGTERM or SIGINT")
    return text


def parse_glibc(text: str) -> str:
    """A version of glibc, such as `2.28`."""
    if not re.fullmatch(r"2\.[0-9]{1,2}", text):
        raise InvalidValueError(f"{text!r} is not a version of glibc", hint="write it like 2.28")
    return text


def parse_size(text: str) -> int:
    """Bytes: `500MB`, `1.5GB` (powers of ten), `2GiB` (powers of two); `0` without a unit."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([KMGT]i?)?B|(0)", text.strip(), re.IGNORECASE)
    if found is None:
        raise InvalidValueError(f"{text[:40]!r} is not a size", hint="write it like 500MB, 5GB or 2GiB")
    unit = (found[2] or "").upper()
    power = " KMGT".index(unit[:1] or " ")
    return int(float(found[1] or 0) * (1024 if unit.endswith("I") else 1000) ** power)


def parse_duration(value: object) -> float:
    """Seconds: a number of them, or `500ms`, `30s`, `1m30s`, `1h`, as compose files have it."""
    text = value if isinstance(value, str) else ""
    found = re.fullmatch(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?(?:([0-9]{1,9})ms)?", text)
    if text and found:
        units = zip(found.groups(), (3600, 60, 1, 0.001), strict=True)
        return float(sum(int(count or 0) * seconds for count, seconds in units))
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    raise InvalidValueError(f"{value!r} is not a duration", hint="write it like 30s, 1m30s or 500ms")


def _path(text: str) -> PurePosixPath:
    """POSIX keeps two slashes at the start; no image does."""
    return PurePosixPath(f"/{text.lstrip('/')}" if text.startswith("/") else text)


def _strings(value: Mapping[str, Any], keys: tuple[str, ...], hint: str) -> tuple[str, ...]:
    if set(value) != set(keys) or not all(isinstance(value[key], str) for key in keys):
        raise InvalidValueError(f"it takes {' and '.join(keys)}, both strings", hint=hint)
    return tuple(value[key] for key in keys)
