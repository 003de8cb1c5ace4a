"""What the finished program tells of files that it reads at run time: found, or hinted at."""

from ferrule.base.entry import FileEntry
from ferrule.cargo.graph import Graph
from ferrule.report import Report
from ferrule.verbs.files import collect_files
from ferrule.verbs.hints import files_line, folder_hint
from ferrule.verbs.migrations import find_migrations
from ferrule.verbs.prepare import Prepared


def say_what_is_found(report: Report, prepared: Prepared, graph: Graph) -> None:
    """A line for what comes along unasked, and one for what may be missing."""
    hint = folder_hint(prepared, graph)
    if hint is not None:
        report.say(f"hint: {hint.reason}, and the image has none: {files_line(hint.copies)}")
    found = find_migrations(prepared, graph)
    if found is not None and found.unasked is not None:
        report.say(f"taking {found.unasked.source} along to {found.unasked.target}: {found.reason}")


def run_time_files(prepared: Prepared, graph: Graph) -> tuple[FileEntry, ...]:
    """Files beside those that `files` and `migrations` name."""
    found = find_migrations(prepared, graph)
    copies = (found.unasked,) if found and found.unasked else ()
    root = prepared.project.workspace.workspace_root
    return collect_files(copies, prepared.selection.package.folder, root)
