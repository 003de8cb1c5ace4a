"""Programs that only answer: a `Runner` with a table of how command lines start and what the programs do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ferrule.process import Command, Finished, LineHandler, ProgramMissingError

Answer = Callable[[Command], Finished]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """A `Runner`. Of several starts that fit, the first counts; `asked` keeps every command line."""

    table: Mapping[str, Answer]
    asked: list[str] = field(default_factory=list)

    def run(self, command: Command) -> Finished:
        self.asked.append(str(command))
        for start, answer in self.table.items():
            if str(command).startswith(start):
                return answer(command)
        raise ProgramMissingError(f"`{command.argv[0]}` is not installed, or not on PATH")

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        finished = self.run(command)
        for line in finished.stdout.splitlines(keepends=True):
            on_line(line)
        return finished


def says(text: str) -> Answer:
    """Success, with this on stdout."""
    return lambda _: Finished(returncode=0, stdout=text.encode())


def fails(text: str) -> Answer:
    """Failure, with this on stderr."""
    return lambda _: Finished(returncode=1, stderr=text.encode())
