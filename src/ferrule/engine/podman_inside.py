"""A container, seen from beside it, by Podman's own program."""

from pathlib import Path

import msgspec

from ferrule.engine.execution import execute_for
from ferrule.engine.inside import Executed
from ferrule.engine.podman_call import podman, podman_json
from ferrule.engine.processes import is_first
from ferrule.engine.sandbox_inside import leaves
from ferrule.process import Command, Runner, Starter

OOM = "oom"
OWN = {
    "/etc",
    "/etc/passwd",
    "/etc/group",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/hostname",
    "/run",
    "/run/.containerenv",
}
"""What Podman makes itself."""


class PodmanInside(msgspec.Struct, frozen=True, kw_only=True):
    """See `Inside`. A command that takes too long runs on until the container ends: only its client ends.

    `folder` is where the process beside the container was started.
    """

    runner: Runner
    starter: Starter
    container: str
    folder: Path

    def process(self) -> int | None:
        """The number that Podman says, once the program is more than prepared."""
        state, _, number = self._inspect("{{.State.Status}} {{.State.Pid}}").partition(" ")
        process = int(number) if state == "running" and number.isdecimal() else 0
        return process if process > 0 and is_first(process) else None

    def execute(self, argv: tuple[str, ...], seconds: float) -> Executed:
        """See `Inside.execute`."""
        command = Command(argv=("podman", "exec", self.container, *argv))
        return execute_for(self.starter, command, seconds)

    def written(self) -> tuple[str, ...]:
        """See `Inside.written`."""
        found = podman_json(self.runner, "diff", "--format", "json", self.container)
        lists = found.values() if isinstance(found, dict) else ()
        return leaves({str(path) for paths in lists for path in paths} - OWN)

    def out_of_memory(self) -> bool:
        """What Podman heard from the kernel.

        Podman 4 looks for the file of the process that does hear it in another folder than that does.
        """
        return (self.folder / OOM).exists() or self._inspect("{{.State.OOMKilled}}") == "true"

    def _inspect(self, template: str) -> str:
        finished = podman(self.runner, "container", "inspect", "--format", template, self.container)
        return finished.stdout.decode(errors="replace").strip()
