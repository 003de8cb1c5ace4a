"""What build scripts and linkers miss: cargo's text goes in, the missing tool or library comes out.

Package names were looked up in 2026: Debian's in the package index of Debian 12, Fedora's in the spec files
of its development branch of August, Alpine's in recipes of aports, not each of them its newest (those of
python3, perl, cmake, gcc and musl-dev only as other recipes name them). Fedora's zlib-devel is what
zlib-ng-compat-devel provides; Alpine's clang, clang-dev and lld are what the newest numbered packages do.
"""

import platform
import re

import msgspec

from ferrule.cargo.target import ZIG_HINT, cross_packages, platform_of


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why cargo failed, and what to do about it: a line each."""

    message: str
    hint: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A tool or a library, and the package that has it in three distributions.

    `names` are what programs, pkg-config or linkers call it; `headers` how its C headers begin.
    """

    title: str
    names: tuple[str, ...]
    debian: str
    fedora: str
    alpine: str
    headers: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """What to install where."""
        named: dict[str, list[str]] = {}
        for package, system in ((self.debian, "Debian"), (self.fedora, "Fedora"), (self.alpine, "Alpine")):
            named.setdefault(package, []).append(system)
        return "install " + ", ".join(f"{package} ({', '.join(on)})" for package, on in named.items())


def _part(title: str, names: str, debian: str, fedora: str, alpine: str, headers: str = "") -> Part:
    return Part(
        title=title,
        names=tuple(names.split()),
        debian=debian,
        fedora=fedora,
        alpine=alpine,
        headers=tuple(headers.split()),
    )


C_COMPILER, C_LIBRARY = "a C compiler", "the C library"
TOOLS = (
    _part("protoc", "protoc", "protobuf-compiler", "protobuf-compiler", "protoc"),
    _part("cmake", "cmake", "cmake", "cmake", "cmake"),
    _part("clang", "clang clang++", "clang", "clang", "clang"),
    _part("libclang", "libclang", "libclang-dev", "clang-devel", "clang-dev", "stddef.h stdarg.h"),
    _part("perl", "perl", "perl", "perl", "perl"),
    _part("pkg-config", "pkg-config pkgconf", "pkg-config", "pkgconf-pkg-config", "pkgconf"),
    _part("make", "make gmake", "make", "make", "make"),
    _part("nasm", "nasm", "nasm", "nasm", "nasm"),
    _part("python3", "python3 python", "python3", "python3", "python3"),
    _part("Go", "go", "golang-go", "golang", "go"),
    _part(C_COMPILER, "cc gcc", "gcc and libc6-dev", "gcc", "gcc and musl-dev", "stdio.h stdlib.h"),
    _part("a C++ compiler", "c++ g++", "g++", "gcc-c++", "g++"),
    _part("lld", "lld ld.lld", "lld", "lld", "lld"),
    _part("mold", "mold ld.mold", "mold", "mold", "mold"),
    _part(
        "Protobuf's own .proto files", "google/protobuf", "libprotobuf-dev", "protobuf-devel", "protobuf-dev"
    ),
)

LIBRARIES = (
    _part(
        "OpenSSL",
        "openssl libssl libcrypto ssl crypto",
        "libssl-dev",
        "openssl-devel",
        "openssl-dev",
        "openssl/",
    ),
    _part("libpq", "libpq pq", "libpq-dev", "libpq-devel", "libpq-dev", "libpq-fe.h"),
    _part("SQLite", "sqlite3", "libsqlite3-dev", "sqlite-devel", "sqlite-dev", "sqlite3.h"),
    _part("zlib", "zlib z", "zlib1g-dev", "zlib-devel", "zlib-dev", "zlib.h"),
    _part("zstd", "libzstd zstd", "libzstd-dev", "libzstd-devel", "zstd-dev", "zstd.h"),
    _part("libcurl", "libcurl curl", "libcurl4-openssl-dev", "libcurl-devel", "curl-dev", "curl/"),
    _part("D-Bus", "dbus-1", "libdbus-1-dev", "dbus-devel", "dbus-dev", "dbus/"),
    _part("libudev", "libudev udev", "libudev-dev", "systemd-devel", "eudev-dev", "libudev.h"),
    _part("ALSA", "alsa asound", "libasound2-dev", "alsa-lib-devel", "alsa-lib-dev", "alsa/"),
    _part("GLib", "glib-2.0 gobject-2.0 gio-2.0", "libglib2.0-dev", "glib2-devel", "glib-dev", "glib.h"),
    _part("GTK 3", "gtk+-3.0 gdk-3.0 gtk-3", "libgtk-3-dev", "gtk3-devel", "gtk+3.0-dev", "gtk/"),
    _part("librdkafka", "rdkafka", "librdkafka-dev", "librdkafka-devel", "librdkafka-dev", "librdkafka/"),
    _part("Cyrus SASL", "libsasl2 sasl2", "libsasl2-dev", "cyrus-sasl-devel", "cyrus-sasl-dev", "sasl/"),
    _part(
        "Kerberos", "krb5-gssapi krb5 gssapi_krb5", "libkrb5-dev", "krb5-devel", "krb5-dev", "gssapi/ krb5.h"
    ),
    _part(
        "the MySQL client",
        "mysqlclient libmariadb mariadb",
        "default-libmysqlclient-dev",
        "mariadb-connector-c-devel",
        "mariadb-connector-c-dev",
        "mysql.h mysql/",
    ),
    _part("libxml2", "libxml-2.0 xml2", "libxml2-dev", "libxml2-devel", "libxml2-dev", "libxml/"),
    _part("libsodium", "libsodium sodium", "libsodium-dev", "libsodium-devel", "libsodium-dev", "sodium.h"),
    _part(C_LIBRARY, "c m dl rt pthread", "libc6-dev", "glibc-devel and glibc-static", "musl-dev"),
    _part("the C++ library", "stdc++", "g++", "gcc-c++ and libstdc++-static", "g++"),
)

SAYS_TOOL = (
    r"is `(?P<name>[^`]+)` (?:not )?installed\?",  # cmake, older cc
    r'error occurred in cc-rs: failed to find tool "(?P<name>[^"]+)"',
    r"Command '(?P<name>[^']+)' not found",  # openssl-src
    r"Missing dependency: (?P<name>\S+)",  # aws-lc-sys
    r"Unable to run (?P<name>\S+): No such file",  # nasm-rs
    r"Could not find `(?P<name>protoc)`",  # prost-build
    r"(?P<name>pkg-config)(?:`\s+| command )could not be found",
    r"error: linker `(?P<name>[^`]+)` not found",
    r"-fuse-ld=(?P<name>[\w.-]+)\"(?!.*-fuse-ld=)(?:.|\n)*collect2: fatal error: cannot find 'ld'",
    r"invalid linker name in (?:argument )?'-fuse-ld=(?P<name>[^']+)'",
    r"The CMAKE_CXX?_COMPILER:\s+(?P<name>\S+)\s+is not a full path and was not found",
)
"""How crates say that a program is not on PATH."""

SAYS_ONE_TOOL = (
    (r"couldn't find any valid shared libraries matching: \['libclang", "libclang"),
    (r"Can't locate \S+\.pm in @INC", "perl"),
    (r"no Python 3\.x interpreter found", "python3"),
    (r"Could not find Go\b", "go"),
    (r"CMake was unable to find a build program corresponding to \"Unix Makefiles\"", "make"),
    (r"google/protobuf/\w+\.proto: File not found", "google/protobuf"),
)
"""The same without the program's name in a fixed place."""

SAYS_LIBRARY = (
    r"The system library `(?P<name>[^`]+)` required by crate `(?P<by>[^`]+)` was not found",
    r"Could not find directory of (?P<name>OpenSSL) installation",
    r"(?:unable to find library|cannot find) -l(?P<name>[\w.+-]+)",  # lld; GNU ld
)

SAYS_NO_START_FILES = r"(?:cannot open|cannot find) (?:\S*/)?\w*crt[1in]\.o: No such file"
"""Linkers find these beside the C library, and name them before it."""

CROSS_COMPILER = r"(?P<machine>\w+)-linux-(?P<libc>musl|gnu)(?P<abi>\w*)-(?P<kind>gcc|g\+\+|cc|c\+\+)"
SAYS_HEADER = r"fatal error: '?(?P<name>[\w/.+-]+\.h)'?(?::| file not found)"
SAYS_OLD = r"Package '(?P<name>[^']+)' has version '(?P<has>[^']+)', required version is '(?P<wants>[^']+)'"
THE_LINK = "the link"
BUILT_ALONG = (
    "turn on its feature that builds its own (bundled, vendored, static), "
    "or build on a machine of that platform and use ferrule pack"
)
SAYS_WHO = r"failed to run custom build command for `(?P<by>\S+) v"


def find_missing(text: str, foreign: str = "") -> Cause | None:
    """The tool or library that cargo's text, without colours, complains about.

    `foreign` is the triple where this machine's own libraries cannot be linked.
    """
    for find in (_tool, _old_library, _library, _header):
        if missing := find(text):
            return missing if not foreign or find is _tool else _for_another(missing, foreign)
    return None


def _for_another(missing: Cause, triple: str) -> Cause:
    """Packages of this machine's own processor would not help."""
    target = platform_of(triple)
    is_libc = any(title in missing.message for title in (C_COMPILER, C_LIBRARY))
    hint = BUILT_ALONG
    if is_libc:
        packages = cross_packages(target) if target and "-musl" not in triple else ""
        hint = f"install {packages}" if packages else f"type: {ZIG_HINT}"
    return Cause(message=f"{missing.message} for {triple}", hint=hint)


def _tool(text: str) -> Cause | None:
    found = _first(SAYS_TOOL, text)
    one = next(((match, name) for says, name in SAYS_ONE_TOOL if (match := re.search(says, text))), None)
    if found:
        name, match = found["name"], found
    elif one:
        match, name = one
    else:
        return None
    by = _needed_by(match)
    part = _find(TOOLS, name)
    if part:
        verb = "are" if part.title.endswith("s") else "is"
        return Cause(message=f"{by} needs {part.title}, which {verb} not installed", hint=part.hint)
    if cross := re.fullmatch(CROSS_COMPILER, name):
        return _cross_compiler(by, cross)
    return Cause(
        message=f"{by} needs the program {name}, which is not on PATH",
        hint=f"install {name}, or set PATH so that it is found",
    )


def _cross_compiler(by: str, cross: re.Match[str]) -> Cause:
    """A C compiler for another processor or libc, by the name that the `cc` crate gives it."""
    kind = "g++" if "++" in cross["kind"] else "gcc"
    if cross["libc"] == "gnu":
        hint = f"install {kind}-{cross['machine'].replace('_', '-')}-linux-gnu{cross['abi']} (Debian)"
    else:
        own = kind == "gcc" and cross["machine"] == platform.machine()
        hint = f"type: {ZIG_HINT}" + (", or install musl-tools (Debian)" if own else "")
    return Cause(message=f"{by} needs {cross[0]}, which is not installed", hint=hint)


def _old_library(text: str) -> Cause | None:
    match = re.search(SAYS_OLD, text)
    if not match:
        return None
    name, has, wants = match["name"], match["has"], match["wants"]
    return Cause(
        message=f"{_needed_by(match)} needs {name} {wants}, and this machine has {has}",
        hint=f"install a newer {name}, or turn on the crate's feature that builds its own",
    )


def _library(text: str) -> Cause | None:
    match = _first((SAYS_NO_START_FILES, *SAYS_LIBRARY), text)
    if not match:
        return None
    name = match.groupdict().get("name", "c")
    by = match.groupdict().get("by") or _needed_by(match)
    part = _find(LIBRARIES, name)
    known = part.title if part else f"the library {name}"
    if by == THE_LINK:
        message = f"the linker does not find {known}"
        hint = f"install its development package: it needs lib{name}.so, or lib{name}.a for --link static"
    else:
        message = f"{by} needs {known}, which is not installed"
        hint = "install its development package, or set PKG_CONFIG_PATH to the folder of its .pc file"
    return Cause(message=message, hint=part.hint if part else hint)


def _header(text: str) -> Cause | None:
    match = re.search(SAYS_HEADER, text)
    parts = (
        part for part in (*LIBRARIES, *TOOLS) if match and match["name"].startswith(part.headers or ("/",))
    )
    part = next(parts, None)
    if not match or not part:
        return None
    message = f"{_needed_by(match)} needs {part.title}: its header {match['name']} is not installed"
    return Cause(message=message, hint=part.hint)


def _first(patterns: tuple[str, ...], text: str) -> re.Match[str] | None:
    return next((match for says in patterns if (match := re.search(says, text))), None)


def _find(parts: tuple[Part, ...], name: str) -> Part | None:
    return next((part for part in parts if name in part.names or name == part.title), None)


def _needed_by(match: re.Match[str]) -> str:
    """The crate whose build script failed last before the place of the match, or the linker."""
    said = re.findall(SAYS_WHO, match.string[: match.end()])
    return str(said[-1]) if said else THE_LINK
