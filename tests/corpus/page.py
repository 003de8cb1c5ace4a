"""What was found becomes docs/reference/projects.md, and is compared with what is committed there."""

import re
from collections.abc import Iterable
from pathlib import Path

from tests.corpus.proof import Found
from tests.corpus.table import Expected
from tests.journey.ferrule import ROOT

PAGE = ROOT / "docs" / "reference" / "projects.md"
HEAD = """\
<!-- Written by `make acceptance` from real builds. Do not edit. -->

# Projects that were built, and what became of them

Small servers, each for one thing that decides how a program is linked and on what it stands. `make acceptance` builds each with `ferrule build` from a plain checkout, without a flag about linking or bases, compares what comes out with what is expected, and writes this page; `make test` does so for some of them.

The reason is what `ferrule plan` says before the build, and `ferrule build` after it. *Beside it* is what the image holds beside the program, the C library, and the users and `/tmp` that all images have. The size is the image's, compressed, without link-time optimisation and at `opt-level = 1`. A program *starts alone* when it opens its port in a root folder with nothing else in it. It is *healthy* when the image, in ferrule's sandbox, answers 200 on `/health`, which each does after it has used what it is for; the one for arm64 runs in qemu, alone.

"""  # noqa: E501 - a paragraph is a line
COLUMNS = (
    "project",
    "what is special",
    "link",
    "reason",
    "base",
    "beside it",
    "size",
    "starts alone",
    "healthy",
)
SIZE = re.compile(r"(?<=\| )(\d+\.\d) MB(?= \|)")
TOLERANCE_MB, TOLERANCE = 0.1, 0.1
"""A size may differ by the larger of the two: compilers and the distribution's libraries change."""


def page(found: Iterable[tuple[Expected, Found]]) -> str:
    """The whole text."""
    lines = [_line(COLUMNS), _line(("---",) * len(COLUMNS)), *(row(*each) for each in found)]
    return HEAD + "\n".join(lines) + "\n"


def row(expected: Expected, found: Found) -> str:
    """The line of one project."""
    architecture = expected.platform.partition("/")[2]
    where = "" if architecture == "amd64" else f" for {architecture}"
    return _line(
        (
            f"[{expected.name}](../../tests/projects/{expected.name}){where}",
            expected.trait,
            found.link,
            found.reason,
            found.base,
            ", ".join(found.beside),
            f"{found.size / 1_000_000:.1f} MB",
            _yes(yes=found.starts_alone),
            _yes(yes=found.is_healthy),
        )
    )


def says_the_same(one: str, other: str) -> bool:
    """Whether two texts differ in nothing but sizes, and in those by little."""
    sizes = zip(SIZE.findall(one), SIZE.findall(other), strict=False)
    near = all(abs(float(a) - float(b)) <= max(TOLERANCE_MB + 0.01, TOLERANCE * float(a)) for a, b in sizes)
    return near and SIZE.sub("", one) == SIZE.sub("", other)


def committed(path: Path = PAGE) -> str:
    """The page as it is; empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _yes(*, yes: bool) -> str:
    return "yes" if yes else "no"
