"""A toolchain as it is on a Mac: rustc's words about itself, and no target but its own; all else is real."""

from dataclasses import dataclass, field
from pathlib import Path

from ferrule.process import Command, Finished, LineHandler, SystemRunner

HOST = "aarch64-apple-darwin"


@dataclass(frozen=True, kw_only=True, slots=True)
class MacRunner:
    """A `Runner`. `sysroot` is the folder of the pretended toolchain; `would_run` collects builds."""

    sysroot: Path
    would_run: list[Command] = field(default_factory=list)

    def run(self, command: Command) -> Finished:
        """rustc is pretended, and every other program runs."""
        if command.argv[0] != "rustc":
            return SystemRunner().run(command)
        finished = SystemRunner().run(command)
        if command.argv[1:] == ("-vV",):
            lines = finished.stdout.decode().splitlines()
            said = [f"host: {HOST}" if line.startswith("host:") else line for line in lines]
            return Finished(returncode=0, stdout="\n".join(said).encode())
        assert command.argv[1:] == ("--print", "sysroot")
        return Finished(returncode=0, stdout=f"{self.sysroot}\n".encode())

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        """Nothing is built."""
        self.would_run.append(command)
        return Finished(returncode=1)
