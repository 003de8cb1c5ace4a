"""This machine's programs, counted: what cargo compiled, and what was asked for a plan."""

import json
from collections import Counter
from collections.abc import Callable

from ferrule.process import Command, Finished, SystemRunner


class Counting:
    """A `Runner`. `compiled` has targets by name but for fresh ones, `asked` the first two words."""

    def __init__(self) -> None:
        self.compiled: Counter[str] = Counter()
        self.asked: Counter[tuple[str, ...]] = Counter()
        self._system = SystemRunner()

    def run(self, command: Command) -> Finished:
        self.asked[command.argv[:2]] += 1
        return self._system.run(command)

    def stream(self, command: Command, on_line: Callable[[bytes], None]) -> Finished:
        def hear(line: bytes) -> None:
            message = json.loads(line)
            if message["reason"] == "compiler-artifact" and not message["fresh"]:
                self.compiled[message["target"]["name"]] += 1
            on_line(line)

        return self._system.stream(command, hear)
