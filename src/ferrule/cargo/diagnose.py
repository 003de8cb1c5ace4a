"""Why cargo failed: its own text goes in, the line that helps comes out, where the cause is known."""

import re
import shutil
from pathlib import Path

import msgspec

from ferrule.cargo.missing import BUILT_ALONG, Cause, find_missing


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A cause that is known by what is said. `message` and `hint` may name groups of `says`.

    `{reason}` is the deepest "Caused by" of cargo.
    """

    says: str
    message: str
    hint: str


OLD_RUST = (
    r"rustc (?P<has>\S+) is not supported by the following packages?:\s+"
    r"(?P<name>\S+)@(?P<version>\S+) requires rustc (?P<wants>\S+)"
)
NEWER_RUST = "rustup update, or choose a newer toolchain in rust-toolchain.toml"
NIGHTLY = 'set channel = "nightly" in rust-toolchain.toml, or RUSTUP_TOOLCHAIN=nightly'

ROWS = (
    Row(
        says=r"unable to update (?P<url>\w+://[^\s?#]+)(?:.|\n)*?(?:revspec '|'refs/remotes/origin/tags/"
        r"|remote-tracking branch 'origin/|couldn't find remote ref (?:refs/\w+/)?)(?P<name>[^'\s]+)",
        message="the git dependency {url} has no {name}",
        hint="mend its branch, tag or rev in Cargo.toml, or push it there; --offline knows what was fetched",
    ),
    Row(
        says=r"unable to update (?P<url>\w+://[^\s?#]+)",
        message="the git dependency {url} cannot be fetched: {reason}",
        hint="check address and network; CARGO_NET_GIT_FETCH_WITH_CLI=true uses the logins that git has",
    ),
    Row(
        says=r"unable to update (?P<path>/[^\n]+)\s+Caused by:\s+"
        r"failed to read `[^`]+`\s+Caused by:\s+No such file",
        message="a dependency is to lie in {path}, and is not there",
        hint="check it out too, or mend its path in Cargo.toml",
    ),
    Row(
        says=f"{OLD_RUST}(?:.|\\n)*select compatible dependency versions",
        message="{name} {version} needs Rust {wants}, and this is {has}",
        hint="rustup update, or cargo update {name} --precise VERSION for one that is old enough",
    ),
    Row(
        says=OLD_RUST,
        message="{name} {version} needs Rust {wants}, and this is {has}",
        hint="rustup update, or lower rust-version in the Cargo.toml of {name}",
    ),
    Row(
        says=r"believes it's in a workspace when it's not:\s+"
        r"current: +(?P<own>[^\n]+)\s+workspace: +(?P<root>[^\n]+)",
        message="{own} lies below the workspace of {root}, which does not name it",
        hint="add it to members or exclude there, or give it an empty [workspace] table",
    ),
    Row(
        says=r"this version of Cargo is older than the `(?P<edition>\w+)` edition",
        message="edition {edition} is newer than this cargo",
        hint=NEWER_RUST,
    ),
    Row(
        says=r"supported edition values are (?P<known>[^\n]+), but `?(?P<edition>\w+)`? is unknown",
        message="edition {edition} is unknown to this cargo, which knows {known}",
        hint="mend edition in Cargo.toml, or rustup update",
    ),
    Row(
        says=r"target `(?P<name>[^`]+)` in package `[^`]+` requires the features: (?P<features>[^\n]+)\n"
        r"Consider enabling them by passing, e\.g\., `--features=\"(?P<flag>[^\"]+)\"`",
        message="the binary {name} needs features that are not turned on: {features}",
        hint='add --features "{flag}"',
    ),
    Row(
        says=r"set `DATABASE_URL` to use query macros online",
        message="SQLx checks queries while compiling, and has neither .sqlx nor a database",
        hint="run cargo sqlx prepare and commit .sqlx, or set DATABASE_URL",
    ),
    Row(
        says=r"`SQLX_OFFLINE=true` but there is no cached data for this query",
        message="the queries have changed since .sqlx was made",
        hint="run cargo sqlx prepare, and commit .sqlx",
    ),
    Row(
        says=r"error: error communicating with database: (?P<why>[^\n]+)(?:\n(?!error).*)*expand_query",
        message="SQLx checks queries while compiling, and its database is away: {why}",
        hint="start the database of DATABASE_URL (.env counts), or run cargo sqlx prepare and commit .sqlx",
    ),
    Row(
        says=r"custom build command for `(?P<name>\S+) v(?:(?!custom build command)(?:.|\n))*"
        r"pkg-config has not been configured to support cross-compilation",
        message="{name} links a library of the system, which is not here for the other processor or libc",
        hint=BUILT_ALONG,
    ),
    Row(
        says=r"cannot create the lock file \S+ because --\w+ was passed",
        message="there is no Cargo.lock, and --locked forbids to write it",
        hint="run cargo generate-lockfile, and commit Cargo.lock",
    ),
    Row(
        says=r"cannot update the lock file \S+ because --\w+ was passed"
        r"|the lock file \S+ needs to be updated but --\w+ was passed",
        message="Cargo.lock does not fit Cargo.toml, and --locked forbids to change it",
        hint="run cargo update --workspace, and commit Cargo.lock",
    ),
    Row(
        says=r"lock file version `?(?P<has>\d+)`? (?:was found|requires)",
        message="Cargo.lock has version {has}, which this cargo does not know",
        hint=NEWER_RUST,
    ),
    Row(
        says=r"(?m)^error\[E0554\]: [^\n]* may not be used on the (?P<channel>\w+) release channel",
        message="a crate uses #![feature], which takes nightly Rust, and this is {channel}",
        hint=NIGHTLY,
    ),
    Row(
        says=r"the cargo feature `(?P<name>[^`]+)` requires a nightly version of Cargo, "
        r"but this is the `(?P<channel>\w+)` channel",
        message="the cargo feature {name} takes nightly Rust, and this is {channel}",
        hint=NIGHTLY,
    ),
    Row(
        says=r"(?m)^error: could not execute process `(?P<name>\S+) (?:\S*/)?rustc [^\n]*\(never executed\)",
        message="{name} is to wrap rustc, and it is not here",
        hint="install it, or build without it: RUSTC_WRAPPER= ferrule build; plan -v says who sets it",
    ),
    Row(
        says=r"failed to download from `(?P<url>https?://[^`/]+)",
        message="{url} cannot be reached: {reason}",
        hint="check the network and HTTPS_PROXY; --offline takes crates that were fetched before",
    ),
    Row(
        says=r"(?m)^error: environment variable `(?P<name>(?!OUT_DIR|CARGO_)[^`]+)` not defined at compile",
        message="{name} is read while compiling, and is not set",
        hint="set it for the build: {name}=… ferrule build; --env is for the running program",
    ),
    Row(
        says=r"the `(?P<target>[\w.-]+)` target may not be installed",
        message="the standard library for {target} is not installed",
        hint="rustup target add {target}",
    ),
    Row(
        says=r"linking with [^\n]+ failed: signal: 9|terminated with signal 9|Cannot allocate memory",
        message="the linker was killed or had no memory: this machine has too little",
        hint="give it more memory, or link with less: --optimize off, or -j 1",
    ),
    Row(
        says=r"could not compile `(?P<name>[^`]+)`(?:.|\n)*?\(signal: 9, SIGKILL: kill\)",
        message="the compiler was killed while it compiled {name}: mostly because memory ran out",
        hint="give it more memory, or compile fewer crates at once: -j 1",
    ),
)
"""One row for each cause; the first that fits counts."""


def diagnose(said: str, place: Path, foreign: str = "") -> Cause | None:
    """The cause of what cargo said. `place` is where cargo wrote to, or read the project from.

    `foreign` is the triple where this machine's own libraries cannot be linked.
    """
    text = _plain(said)
    of_places = _empty_submodule(text) or _full_disk(text, place) or _unwritable(text, place)
    return of_places or _known(text) or find_missing(text, foreign)


def _plain(said: str) -> str:
    """Without colours and progress, from the first error on: what comes before it did no harm.

    The lines of source that rustc shows are the project's words, not a tool's.
    """
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", "", said).replace("\r", "\n")
    text = re.sub(r"^ *\d+ +[|+~-] .*\n", "", text, flags=re.MULTILINE)
    first = re.search(r"^error\b", text, re.MULTILINE)
    return text[first.start() :] if first else text


def _known(text: str) -> Cause | None:
    causes = re.findall(r"^Caused by:\s+(\S[^\n]*)", text, re.MULTILINE)
    for row in ROWS:
        if match := re.search(row.says, text):
            words = {name: value.replace("`", "") for name, value in match.groupdict().items()}
            reason = causes[-1] if causes else "no reason given"
            return Cause(
                message=row.message.format(**words, reason=reason),
                hint=row.hint.format(**words),
            )
    return None


def _empty_submodule(text: str) -> Cause | None:
    """A submodule that was never fetched: an empty folder, which the text names or a failed package holds."""
    missing = [Path(path) for path in re.findall(r"failed to read `([^`]+)/Cargo\.toml`", text)]
    failed = [Path(path) for path in re.findall(r"build command for `[^`]+ \((/[^`]+)\)`", text)]
    for place in (*missing, *failed):
        for submodule in _submodules(place):
            holds = submodule.is_relative_to(place) if place in failed else place.is_relative_to(submodule)
            if holds and not (submodule.is_dir() and any(submodule.iterdir())):
                return Cause(
                    message=f"{submodule} is a git submodule that is empty",
                    hint="git submodule update --init --recursive",
                )
    return None


def _submodules(place: Path) -> tuple[Path, ...]:
    """Those of the repository that the place is in."""
    listed = next(
        (file for above in (place, *place.parents) if (file := above / ".gitmodules").is_file()), None
    )
    if listed is None:
        return ()
    paths = re.findall(r"^\s*path\s*=\s*(.+?)\s*$", listed.read_text(errors="replace"), re.MULTILINE)
    return tuple(listed.parent / path for path in paths)


def _full_disk(text: str, place: Path) -> Cause | None:
    """Linkers write through memory maps: there a full disk is a bus error."""
    if not re.search(r"No space left on device|signal 7 \[Bus error\]|signal: 7, SIGBUS", text):
        return None
    free = shutil.disk_usage(next(path for path in (place, *place.parents) if path.exists())).free
    return Cause(
        message=f"the disk is full: {free // 1_000_000} MB are left for {place}",
        hint="make room, or put the target folder on a larger disk by CARGO_TARGET_DIR",
    )


def _unwritable(text: str, place: Path) -> Cause | None:
    """A target folder that may be read only: the sources of a container's mount, say."""
    says = r"failed to create directory `([^`]+)`\s+Caused by:\s+(Permission denied|Read-only file system)"
    match = re.search(says, text)
    if match is None or not Path(match[1]).is_relative_to(place):
        return None
    return Cause(
        message=f"{match[1]} cannot be made: {match[2]}",
        hint="put the target folder where it can be written, by CARGO_TARGET_DIR",
    )
