"""Migrations that a program reads at run time: a project goes in, what its image needs of them comes out."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ferrule.cargo.graph import Graph
from ferrule.cargo.program_files import code_of
from ferrule.config import MIGRATIONS_FOLDER
from ferrule.values import FileCopy, covers
from ferrule.verbs.prepare import Prepared

FOLDER = "migrations"
READS = {
    "sqlx": re.compile(r"\bMigrator::new\b"),
    "refinery": re.compile(r"\bload_sql_migrations\b"),
    "diesel_migrations": re.compile(r"\bFileBasedMigrations\b"),
}
"""Crate → how a source says that it reads them at run time."""
EMBEDS = re.compile(r"\b(?:embed_migrations|migrate)!")


class Migrations(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with the folder `migrations`, and why. `copy` is None where it is not taken along.

    `unasked` is the same where no key or flag has named it.
    """

    copy: FileCopy | None
    unasked: FileCopy | None = None
    reason: str


def find_migrations(prepared: Prepared, graph: Graph) -> Migrations | None:
    """Whether the sources read or embed them, where nobody said; None without such a folder."""
    settings, folder = prepared.settings, prepared.selection.package.folder
    if settings.migrations is not None:
        copy = None
        if settings.migrations:
            copy = FileCopy(source=settings.migrations, target=MIGRATIONS_FOLDER)
        return Migrations(copy=copy, reason=settings.why("migrations", ""))
    if not (folder / FOLDER).is_dir() or graph.find(*READS) is None:
        return None
    if any(covers(copy, FOLDER) for copy in settings.files):
        return Migrations(copy=None, reason="`files` has them")
    embeds = None
    for path in _sources(prepared, graph):
        text = code_of(path)
        name = path.relative_to(prepared.project.workspace.workspace_root)
        for crate, reads in READS.items():
            if graph.find(crate) and reads.search(text):
                copy = FileCopy(source=FOLDER, target=MIGRATIONS_FOLDER)
                return Migrations(
                    copy=copy, unasked=copy, reason=f"{name} reads them at run time with {crate}"
                )
        embeds = embeds or (f"{name} embeds them in the program" if EMBEDS.search(text) else None)
    return Migrations(copy=None, reason=embeds or "no source reads them at run time")


def _sources(prepared: Prepared, graph: Graph) -> Iterator[Path]:
    """The Rust files of those packages of the workspace that are in the program."""
    for package in prepared.project.workspace.packages:
        if graph.find(package.name):
            yield from sorted(path for path in (package.folder / "src").rglob("*.rs") if path.is_file())
