"""The commands that a document shows: Markdown goes in, commands with the output that they promise come out.

What stands in a fence named `console` is run from the project's folder: a line that starts with `$ ` is a
command, the lines below it are what it prints. A command that cannot run everywhere stands in another fence,
such as `text`. In the output

- lines may be left out, but those shown come in their order;
- figures and digests are this machine's, the number of blanks does not count, and `…` is any text;
- a last line `…` says that the command goes on running;
- `error:` says that the command fails.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
ANY = "…"
HOME = "/home/ada/ferrule"
"""Stands in documents for the folder of the project."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A command as a document shows it. `output` are the promised lines."""

    command: str
    output: tuple[str, ...]
    goes_on: bool

    @property
    def fails(self) -> bool:
        """Whether the document shows an error."""
        return any(line.startswith("error:") for line in self.output)

    def missing_from(self, printed: str, root: Path) -> str | None:
        """The first promised line that is not there, or None."""
        lines = iter([_plain(line) for line in printed.splitlines()])
        for line in self.output:
            pattern = re.compile(_pattern(line.replace(HOME, str(root))))
            if not any(pattern.fullmatch(printed_line) for printed_line in lines):
                return line
        return None


def shown_in(text: str) -> tuple[Shown, ...]:
    """Every command of the document, in its order."""
    return tuple(
        _shown(part.splitlines())
        for block in FENCE.findall(text)
        for part in re.split(rf"^{re.escape(PROMPT)}", block, flags=re.MULTILINE)[1:]
    )


def _shown(lines: list[str]) -> Shown:
    output = tuple(line for line in lines[1:] if line.strip())
    goes_on = output[-1:] == (ANY,)
    return Shown(command=lines[0], output=tuple(line for line in output if line != ANY), goes_on=goes_on)


def _plain(line: str) -> str:
    """The line without what differs from machine to machine."""
    without = re.sub(r"sha256:[0-9a-f]{64}", "sha256:#", line)
    without = re.sub(r"\d+m \d+s", "0s", without)  # how cargo writes what takes longer than a minute
    return " ".join(re.sub(r"\d+(?:[.,]\d+)*", "#", without).split())


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in _plain(line).split(ANY))
