"""cargo's JSON messages, one a line, as values: what was compiled, what is linked, what went wrong."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec


class PackageId(msgspec.Struct, frozen=True, kw_only=True):
    """A package by name and version, from cargo's package id specification."""

    name: str
    version: str


class _TargetInfo(msgspec.Struct):
    name: str = ""
    kind: tuple[str, ...] = ()


class _Diagnostic(msgspec.Struct):
    message: str = ""
    level: str = ""
    rendered: str | None = None


class Message(msgspec.Struct):
    """Any of cargo's messages; the fields of the other kinds are empty."""

    reason: str
    package_id: str = ""
    manifest_path: str = ""
    target: _TargetInfo = msgspec.field(default_factory=_TargetInfo)
    filenames: tuple[str, ...] = ()
    executable: str | None = None
    linked_libs: tuple[str, ...] = ()
    out_dir: str = ""
    message: _Diagnostic = msgspec.field(default_factory=_Diagnostic)

    def is_for(self, triple: str) -> bool:
        """Whether the unit is for the target, not for this host (build scripts, proc-macros)."""
        return any(f"/{triple}/" in name for name in (*self.filenames, self.out_dir))

    @property
    def package(self) -> PackageId:
        """The package of the message."""
        return parse_package_id(self.package_id)

    def is_link_failure_of(self, binary: str) -> bool:
        """Whether the final link of the binary failed: its objects compiled, the linker refused them."""
        final = self.target.name == binary and "bin" in self.target.kind
        starts = ("linking with", "could not find native", "cannot satisfy dependencies")
        return final and self.message.level == "error" and self.message.message.startswith(starts)

    @property
    def is_broken_off(self) -> bool:
        """Whether the linker was ended from outside, or found no room: no other link mode would help."""
        ends = ("signal: 9", "signal: 7", "signal 9", "signal 7", "No space left", "Cannot allocate memory")
        return any(end in (self.message.rendered or "") for end in ends)


def parse_message(line: bytes) -> Message | None:
    """One line of cargo's stdout; None when it is no message (some build scripts print there)."""
    try:
        return msgspec.json.decode(line, type=Message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def parse_package_id(text: str) -> PackageId:
    """`registry+https://…#libc@0.2.1`, `path+file:///a/shop#0.1.0`, or the older `shop 0.1.0 (path+…)`."""
    if " " in text and "#" not in text:
        name, version, *_ = text.split(" ")
        return PackageId(name=name, version=version)
    source, _, fragment = text.partition("#")
    name, at, version = fragment.rpartition("@")
    if not at:
        name, version = Path(unquote(urlsplit(source).path)).name, fragment
    return PackageId(name=name, version=version)
