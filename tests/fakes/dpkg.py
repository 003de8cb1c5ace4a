"""dpkg's answers from a table: packages with their files go in, a `Runner` comes out."""

from collections.abc import Mapping

from ferrule.process import Command, Finished, LineHandler, ProgramMissingError

STANZA = """\
Package: {name}
Status: install ok installed
Priority: optional
Architecture: {arch}
Version: {version}
Conffiles:
 /etc/{name}.conf 0123
Description: the package {name}
 More about it.
"""


class Dpkg:
    """Knows `name:arch` → files under the one spelling that dpkg has. Counts how often it is asked."""

    def __init__(self, packages: Mapping[str, tuple[str, ...]], *, version: str = "1.0-1") -> None:
        self.packages = packages
        self.version = version
        self.asked: list[str] = []

    def run(self, command: Command) -> Finished:
        program, action, *names = command.argv
        self.asked.append(f"{program} {action}")
        if (program, action) == ("dpkg", "-S"):
            return self._search(names)
        assert (program, action) == ("dpkg-query", "--status")
        return Finished(returncode=0, stdout="\n".join(self._status(name) for name in names).encode())

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        raise NotImplementedError

    def _search(self, names: list[str]) -> Finished:
        lines = [
            f"{package}: {name}"
            for package, files in self.packages.items()
            for name in files
            if name in names
        ]
        found = {line.partition(": ")[2] for line in lines}
        missing = [
            f"dpkg-query: no path found matching pattern {name}" for name in names if name not in found
        ]
        return Finished(
            returncode=1 if missing else 0,
            stdout="".join(f"{line}\n" for line in lines).encode(),
            stderr="\n".join(missing).encode(),
        )

    def _status(self, owner: str) -> str:
        name, _, arch = owner.partition(":")
        return STANZA.format(name=name, arch=arch or "all", version=self.version)


class NoDpkg:
    """A machine without it."""

    def run(self, command: Command) -> Finished:
        raise ProgramMissingError(f"`{command.argv[0]}` is not installed, or not on PATH")

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        raise NotImplementedError
