"""The part of a file that is ours, between two marks: what a person writes around it stays."""

import re

import msgspec

from ferrule.errors import ProjectError

BEGIN = (
    "# ferrule generate {kind}: from here to the end mark this is written anew{program};"
    " change what is outside"
)
END = "# ferrule generate {kind}: end"
MARK = "# ferrule generate {kind}:"
FOR = re.compile(r": from here to the end mark this is written anew for (.*); change what is outside$")


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """The two lines of a kind, and how each of them begins; `comment` is how the file begins a comment."""

    begin: str
    end: str
    mark: str


def marks_of(kind: str, comment: str = "#", program: str | None = None) -> Marks:
    """Those of a kind, in a file whose comments begin so, for a program."""
    named = "" if program is None else f" for {mark_name(program)}"
    forms = (BEGIN, END, MARK)
    begin, end, mark = (comment + form.format(kind=kind, program=named)[1:] for form in forms)
    return Marks(begin=begin, end=end, mark=mark)


def mark_name(program: str) -> str:
    """A program's name as a mark has it: in one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in program).split())


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A file in three parts; `ours` is without its marks, with `\\n` at the ends of its lines.

    `program` is whom it was generated for, as a mark has it, None where that is not said. `newline` is how
    our lines end, and `last` what is behind the end mark: nothing where an editor takes line ends away.
    """

    before: str
    ours: str
    after: str
    program: str | None = None
    newline: str = "\n"
    last: str = "\n"


def has_marks(text: str, kind: str, comment: str = "#") -> bool:
    """Whether a file was generated, though its marks may not be whole any more."""
    mark = marks_of(kind, comment).mark
    return any(line.startswith(mark) for line in text.splitlines())


def split(text: str, kind: str, comment: str = "#") -> Parts | None:
    """The parts of a file; None where it has no marks of the kind, `ProjectError` for half a pair."""
    lines = text.splitlines(keepends=True)
    own = marks_of(kind, comment)
    marks = [number for number, line in enumerate(lines) if line.startswith(own.mark)]
    if not marks:
        return None
    is_pair = len(marks) == 2 and lines[marks[1]].rstrip() == own.end and lines[marks[0]].rstrip() != own.end
    if not is_pair:
        raise ProjectError(
            f"the marks of `ferrule generate {kind}` are not a pair any more",
            hint="put both back, or remove them all and add --force",
        )
    first, last = marks
    said = FOR.search(lines[first].rstrip())
    return Parts(
        before="".join(lines[:first]),
        ours="".join(lines[first + 1 : last]).replace("\r\n", "\n"),
        after="".join(lines[last + 1 :]),
        program=said[1] if said else None,
        newline="\r\n" if lines[first].endswith("\r\n") else "\n",
        last=lines[last][len(own.end) :],
    )


def join(parts: Parts, kind: str, comment: str = "#") -> str:
    """The file again. Every part ends with a line end, or is empty."""
    own = marks_of(kind, comment, parts.program)
    ours = f"{own.begin}\n{parts.ours}{own.end}".replace("\n", parts.newline)
    return f"{parts.before}{ours}{parts.last}{parts.after}"


def drafted(
    text: str | None, kind: str, ours: str, *, force: bool, comment: str = "#", program: str | None = None
) -> str:
    """What becomes of a file that is there (None: it is not) when our part is to be `ours`.

    Raises `ProjectError` for a file without marks, which is somebody else's, unless `force`.
    """
    found = None if text is None else split(text, kind, comment)
    if found is None and text is not None and not force:
        raise ProjectError(
            "it is there, and not written by `ferrule generate`",
            hint="move it away, or add --force to have it replaced",
        )
    kept = found or Parts(before="", ours="", after="")
    mark = marks_of(kind, comment).mark
    safe = (
        f"{comment[0]}{line}" if line.startswith(mark) else line for line in ours.splitlines(keepends=True)
    )
    return join(msgspec.structs.replace(kept, ours="".join(safe), program=program), kind, comment)
