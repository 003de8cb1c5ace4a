"""Folders that a program reads at run time and that its image lacks: what `files` would serve them."""

import os
from pathlib import Path

import msgspec

from ferrule.cargo.graph import Graph
from ferrule.cargo.leaks import Leak
from ferrule.values import FileCopy, covers
from ferrule.verbs.prepare import Prepared

TEMPLATES = ("templates", "views")
ASSETS = ("static", "public", "assets", "dist")
READERS = {
    "tera": ("tera", TEMPLATES),
    "minijinja": ("minijinja", TEMPLATES),
    "handlebars": ("handlebars", TEMPLATES),
    "rocket_dyn_templates": ("rocket_dyn_templates", TEMPLATES),
    "config": ("config", ("config", "settings")),
    "fluent-templates": ("fluent-templates", ("locales",)),
    "http-range-header": ("tower-http's file server", ASSETS),
    "actix-files": ("actix-files", ASSETS),
    "axum-static": ("axum-static", ASSETS),
    "rocket": ("rocket", ASSETS),
    "salvo-serve-static": ("salvo's file server", ASSETS),
    "warp": ("warp", ASSETS),
}
"""Crate → who reads with it, and folders of the usual names. `http-range-header` is there for a feature of
tower-http: a build says which crates it compiled, and not with which features."""

EMBEDDERS = ("rust-embed", "include_dir", "minijinja-embed", "static-files", "memory-serve", "askama")
"""Where one of them is, a folder is as likely in the program already: nothing is known."""

BAKED = 'env!("CARGO_MANIFEST_DIR") is a folder of this machine'


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Folders that would have to be in the image, and who reads them."""

    copies: tuple[FileCopy, ...]
    readers: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Who reads them, as a sentence."""
        return (
            f"{' and '.join(self.readers)} may read {'it' if len(self.copies) == 1 else 'them'} at run time"
        )


def files_line(copies: tuple[FileCopy, ...]) -> str:
    """The line of the configuration."""
    tables = ", ".join(f'{{ from = "{copy.source}", to = "{copy.target}" }}' for copy in copies)
    return f"files = [{tables}]"


def folder_hint(prepared: Prepared, graph: Graph) -> Hint | None:
    """What crates in the graph, and folders of the usual names in the package, tell."""
    if graph.find(*EMBEDDERS):
        return None
    settings, package = prepared.settings, prepared.selection.package.folder
    readers, folders = [], []
    for crate, (reader, names) in READERS.items():
        there = [
            name
            for name in names
            if graph.find(crate)
            and (package / name).is_dir()
            and not any(covers(copy, name) for copy in settings.files)
        ]
        readers += [reader] if there else []
        folders += there
    copies = tuple(FileCopy(source=name, target=settings.workdir / name) for name in dict.fromkeys(folders))
    return Hint(copies=copies, readers=tuple(readers)) if copies else None


def baked_hint(prepared: Prepared, leak: Leak) -> str | None:
    """What would serve a path of the project that the program holds; None for one of no use in an image."""
    package, root = prepared.selection.package.folder, prepared.project.workspace.workspace_root
    path = _existing(leak.path, root)
    if path is None or path.is_relative_to(prepared.project.workspace.target_directory):
        return None
    workdir = prepared.settings.workdir
    if path in (root, package):
        return f"{BAKED}: read by a relative path what `files` puts below {workdir}"
    name = os.path.relpath(path, package)
    copy = FileCopy(source=name, target=workdir / path.name)
    if any(covers(known, name) for known in prepared.settings.files):
        return f"{BAKED}: read {name} by a relative path, `files` has it"
    return f"{BAKED}: read {name} by a relative path, and set {files_line((copy,))}"


def _existing(text: str, root: Path) -> Path | None:
    """The file or folder that a text begins with: in a program, the next text stands right behind it."""
    if not text.startswith(str(root)):
        return None
    found, rest = root, text.removeprefix(str(root))
    while rest.startswith("/") and found.is_dir():
        rest = rest.lstrip("/")
        names = [child.name for child in found.iterdir() if rest.startswith(child.name)]
        if not names:
            break
        name = max(names, key=len)
        found, rest = found / name, rest.removeprefix(name)
    return found
