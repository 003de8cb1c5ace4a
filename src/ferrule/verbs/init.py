"""What a project without settings could say in Cargo.toml: lines with their reasons, from its source."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ferrule.atomic import appearing
from ferrule.cargo.graph import FROM_LOCK, Graph, read_graph
from ferrule.cargo.listening import LIVE_PATHS, OF_OTHERS, addresses, health_route
from ferrule.cargo.rust_items import follows
from ferrule.cargo.toml import parse_toml
from ferrule.cargo.variables import Read, Scan, Source, scan
from ferrule.database import DEFAULT_NAME
from ferrule.errors import ProjectError
from ferrule.text import printable
from ferrule.verbs.context import Context
from ferrule.verbs.env import Scanned, compared, program_sources
from ferrule.verbs.env_lines import env_lines, toml_string
from ferrule.verbs.hints import files_line, folder_hint
from ferrule.verbs.prepare import PACKAGE_TABLE, WORKSPACE_TABLE, Prepared, ProjectRequest, prepare

FORGE = re.compile(
    r"https?://(?:www\.)?(github|gitlab)\.com/([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+?)(?:\.git)?/?"
)
REGISTRIES = {"github": "ghcr.io", "gitlab": "registry.gitlab.com"}
DATABASES = {
    "PostgreSQL": ("sqlx-postgres", "tokio-postgres", "postgres", "pq-sys"),
    "MySQL": ("sqlx-mysql", "mysql_async", "mysql", "mysqlclient-sys"),
}


DATABASE_URL = re.compile(r"(?:[A-Z0-9_]+_)?(?:DATABASE|POSTGRES|POSTGRESQL|PG|DB)_(?:URL|URI|DSN)")
OWN_HOST = re.compile(r"(?:^|_)(?:HOST|IP|ADDR|ADDRESS|BIND|LISTEN)$")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1", "[::1]")
NOBODY = ": in a container nobody reaches it, use 0.0.0.0"
ROCKET_PORT = 8000
POSTGRES = "16"
"""What the extra `testdb` brings, so that the proposal runs as it stands."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of TOML and why it stands there, such as the file and line that it was read from."""

    text: str
    reason: str


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The lines for a manifest, none where nothing was found, and what a person should know besides."""

    manifest: Path
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as they go into Cargo.toml, reasons in comments."""
        width = max((len(line.text) for line in self.lines if line.reason), default=0)
        shown = (
            f"{line.text:<{width}}  # {printable(line.reason)}" if line.reason else line.text
            for line in self.lines
        )
        return "".join(f"{line}\n" for line in shown)


def propose(context: Context, request: ProjectRequest) -> Proposal:
    """Read the sources and the graph. Raises `ProjectError` where there are settings already."""
    prepared = prepare(context, request)
    package, workspace = prepared.selection.package, prepared.project.workspace
    for metadata, table in ((package.metadata, PACKAGE_TABLE), (workspace.metadata, WORKSPACE_TABLE)):
        if "ferrule" in (metadata or {}):
            raise ProjectError(
                f"Cargo.toml has [{table}] already",
                hint="`ferrule plan` shows what follows from it, `ferrule env --scan` what it lacks",
            )
    graph = read_graph(context.runner, prepared.plan)
    sources = program_sources(prepared.project, prepared.selection)
    hint = folder_hint(prepared, graph)
    scanned = scan(sources)
    found = compared(scanned, prepared.settings)
    files = (Line(text=files_line(hint.copies), reason=hint.reason),) if hint else ()
    env = (Line(text=text, reason=reason) for text, reason in env_lines(found))
    beside = tuple(_database(graph, found))
    lines = (*_image(prepared), *_network(sources, scanned), *beside, *files, Line(text="", reason=""), *env)
    if not found.proposed:
        lines = lines[:-1]  # no table of variables, and no blank line before it
    unclear = (f"{each.path}:{each.line} reads {each.what}" for each in found.unclear)
    head = Line(text=f"[{PACKAGE_TABLE}]", reason="")
    return Proposal(
        manifest=package.manifest_path,
        lines=(head, *lines) if lines else (),
        notes=(*_warnings(sources, scanned), *unclear, *_needs(graph, has_postgres=bool(beside))),
    )


def write(proposal: Proposal) -> None:
    """Put the lines behind all that Cargo.toml has. Raises `ProjectError` where that is not possible."""
    manifest = proposal.manifest.resolve()
    before = manifest.read_bytes().decode()
    newline = "\r\n" if "\r\n" in before else "\n"
    gap = newline if before.endswith("\n") else newline * 2
    after = before + gap + proposal.text.replace("\n", newline)
    if not _adds_nothing_else(before, after):
        raise ProjectError(
            f"{proposal.manifest} cannot take another table at its end",
            hint="copy the lines to where they fit",
        )
    with appearing(manifest, lasting=True) as part:
        part.write_bytes(after.encode())
        shutil.copymode(manifest, part)


def _adds_nothing_else(before: str, after: str) -> bool:
    """Whether all that was said is still said: a table that stands in braces takes no second part."""
    try:
        parsed = parse_toml(after)
    except ValueError:
        return False
    del parsed["package"]["metadata"]["ferrule"]
    known = parse_toml(before)
    known.get("package", {}).setdefault("metadata", {})
    return parsed == known


def _image(prepared: Prepared) -> Iterator[Line]:
    """Where the source lies tells where its images usually lie; nobody pushes there by chance."""
    match = FORGE.fullmatch(prepared.selection.package.repository or "")
    if match:
        name = f"{REGISTRIES[match[1]]}/{match[2]}/{match[3]}".lower()
        yield Line(text=f"# image = {toml_string(name)}", reason="for --push, by the `repository` above")


def _needs(graph: Graph, *, has_postgres: bool) -> Iterator[str]:
    """Databases that the program needs and no line of the proposal starts."""
    if graph.source == FROM_LOCK:  # it has crates too that no feature turns on
        yield "Cargo.lock is not up to date: once it is, this says which databases are needed"
        return
    for name, crates in DATABASES.items():
        crate = graph.find(*crates)
        if crate is not None and not (has_postgres and name == "PostgreSQL"):
            yield f"{crate.name} is in the program: it needs a {name} to run"


def _database(graph: Graph, found: Scanned) -> Iterator[Line]:
    """Where the program has a client of Postgres, and one variable that can only be its URL."""
    crate = graph.find(*DATABASES["PostgreSQL"])
    names = [each.name for each in found.proposed if DATABASE_URL.fullmatch(each.name)]
    if crate is not None and len(names) == 1:
        (name,) = names
        key = "" if name == DEFAULT_NAME else f", url-env = {toml_string(name)}"
        reason = f"{crate.name} is in the program, {found.places[name][0]} reads the URL"
        yield Line(text=f'database = {{ postgres = "{POSTGRES}"{key} }}', reason=reason)


def _network(sources: tuple[Source, ...], found: Scan) -> Iterator[Line]:
    port = _port(sources, found)
    if port is None:
        return
    number, reason = port
    yield Line(text=f"ports = [{number}]", reason=reason)
    route = health_route(sources)
    if route is not None:
        text = f"health = {{ path = {toml_string(route.route)} }}"
        yield Line(text=text, reason=f"{route.path}:{route.line}")


def _port(sources: tuple[Source, ...], found: Scan) -> tuple[int, str] | None:
    """The default of a variable that is called a port, or else the first address that others can reach."""
    for read in found.reads:
        if _is_port(read):
            return int(read.default or 0), f"{read.path}:{read.line}, the default of {read.name}"
    first = min(addresses(sources, found.reads), key=lambda each: each.is_loopback, default=None)
    if first is None and (rocket := _rocket(sources)) is not None:
        return ROCKET_PORT, f"{rocket}, Rocket's own default"
    return (first.port, f"{first.path}:{first.line}") if first else None


def _rocket(sources: tuple[Source, ...]) -> str | None:
    """Where Rocket is built: it reads its address from elsewhere."""
    for source in sources:
        for index, token in enumerate(source.tokens):
            if follows(source.tokens, index, "rocket", "::", "build", "("):
                return f"{source.path}:{token.line}"
    return None


def _is_port(read: Read) -> bool:
    is_named = read.name.endswith("PORT") and not read.name.endswith(("MIN_PORT", "MAX_PORT"))
    is_named = is_named and not OF_OTHERS.search(read.name)
    return is_named and (read.default or "").isdecimal() and 0 < int(read.default or 0) < 65536


def _warnings(sources: tuple[Source, ...], scanned: Scan) -> Iterator[str]:
    live = health_route(sources, LIVE_PATHS)
    if live is not None:
        yield f"{live.path}:{live.line} has {live.route}, which may be for liveness"
    for read in scanned.reads:
        is_own = OWN_HOST.search(read.name) and not OF_OTHERS.search(read.name)
        if is_own and read.default in LOOPBACK_HOSTS:
            yield f"{read.path}:{read.line} has {read.default} as the default of {read.name}{NOBODY}"
    if rocket := _rocket(sources):
        yield f"{rocket} is Rocket, which listens on 127.0.0.1 unless ROCKET_ADDRESS says 0.0.0.0"
    found = list(addresses(sources, scanned.reads))
    if found and all(each.is_loopback for each in found):
        place = f"{found[0].path}:{found[0].line}"
        yield f"{place} listens on this machine alone{NOBODY}"
