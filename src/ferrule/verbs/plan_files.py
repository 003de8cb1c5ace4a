"""The rows of a plan about files: what goes into the image, and what it may lack."""

from collections.abc import Iterator

from ferrule.cargo.graph import Graph
from ferrule.values import FileCopy
from ferrule.verbs.files import collect_files
from ferrule.verbs.hints import files_line, folder_hint
from ferrule.verbs.migrations import find_migrations
from ferrule.verbs.plan_row import Row
from ferrule.verbs.prepare import Prepared


def file_rows(prepared: Prepared, graph: Graph) -> Iterator[Row]:
    """Only rows that say something. Raises `ProjectError` for files that a build would refuse."""
    settings, package = prepared.settings, prepared.selection.package.folder
    root = prepared.project.workspace.workspace_root
    migrations = find_migrations(prepared, graph)
    taken = (migrations.copy,) if migrations and migrations.copy else ()
    files = tuple(copy for copy in settings.files if copy not in taken)
    entries = collect_files(files, package, root, prepared.programs)
    count = sum(entry.kind == "file" for entry in entries)
    collect_files(taken, package, root)
    if files:
        yield Row(
            name="files",
            value=[_as_json(copy) for copy in files],
            text=", ".join(map(_as_text, files)),
            reason=f"{count} file{'' if count == 1 else 's'}, {settings.why('files', '')}",
        )
    if migrations is not None:
        copy = migrations.copy
        yield Row(
            name="migrations",
            value=_as_json(copy) if copy else None,
            text=_as_text(copy) if copy else "none",
            reason=migrations.reason,
        )
    if settings.capabilities:
        names = settings.capabilities
        yield Row(
            name="capabilities",
            value=list(names),
            text=", ".join(names),
            reason=settings.why("capabilities", ""),
        )
    hint = folder_hint(prepared, graph)
    if hint is not None:
        copies = [_as_json(copy) for copy in hint.copies]
        yield Row(name="hint", value=copies, text=files_line(hint.copies), reason=hint.reason)


def _as_json(copy: FileCopy) -> dict[str, str]:
    return {"from": copy.source, "to": str(copy.target)}


def _as_text(copy: FileCopy) -> str:
    return f"{copy.source} -> {copy.target}"
