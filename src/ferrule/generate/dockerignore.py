"""What stays out of a build's context: facts go in, the text of `.dockerignore` comes out."""

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from ferrule.generate.build_facts import Build
from ferrule.generate.template import Written, render

PATH = ".dockerignore"
ANYWHERE = (".git", ".hg", ".svn", ".env", ".env.*", ".envrc", ".DS_Store", ".idea", ".vscode", "*.swp", "*~")
"""Names, in any folder. Histories change with every commit, and environment files hold secrets."""

TARGET = "target"
"""Where cargo compiles unless somebody's CARGO_TARGET_DIR says otherwise, which nobody else has."""

AT_THE_TOP = ("Dockerfile*", ".dockerignore", "compose*.yaml", ".github")
"""What is about images and not in them: a change of it is no reason to compile."""


def ignored(build: Build) -> str:
    """The text. Files that go into the image are kept, whatever they are called."""
    targets = dict.fromkeys((TARGET, build.target_folder or TARGET))
    top = (*targets, *AT_THE_TOP)
    taken = tuple(
        source for each in build.files if (source := "/".join((each.source, *each.pattern)).strip("/"))
    )
    kept = dict.fromkeys(path for path in taken if _is_ignored(path, top))
    return render(
        "dockerignore",
        patterns=tuple(
            map(
                Written,
                (*(f"/{name}" for name in top), *(f"**/{name}" for name in ANYWHERE), "!**/.env.example"),
            )
        ),
        kept=tuple(Written(f"!/{_escaped(path)}") for path in kept),
    )


def _is_ignored(path: str, top: tuple[str, ...]) -> bool:
    """Whether a pattern fits the path or a folder above it."""
    parts = PurePosixPath(path).parts
    above = ["/".join(parts[: number + 1]) for number in range(len(parts))]
    return any(fnmatchcase(folder, pattern) for folder in above for pattern in top) or any(
        fnmatchcase(part, pattern) for part in parts for pattern in ANYWHERE
    )


def _escaped(path: str) -> str:
    """Patterns are Go's filepath.Match with `**`; nothing writes a line end, so any letter stands for it."""
    return re.sub(r"[\n\r]", "?", re.sub(r"([\\])", r"\\\1", path))
