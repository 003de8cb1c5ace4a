"""A report that keeps what was said, and what a real one says on any machine."""

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

SLOW_STEP = re.compile(r"^.* \(\d+\.\d s\)\n", re.MULTILINE)


def without_slow_steps(said: str) -> str:
    """What stands on stderr but for steps, which are told where they take their time: on a busy machine."""
    return SLOW_STEP.sub("", said)


@dataclass(kw_only=True)
class Notes:
    """Everything that would have gone to a person, in order, by kind."""

    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.said.append(line)

    def detail(self, line: str) -> None:
        self.said.append(line)

    def warn(self, line: str) -> None:
        self.warnings.append(line)

    def raw(self, text: str) -> None:
        self.text.append(text)

    def step(self, title: str) -> AbstractContextManager[None]:
        self.said.append(title)
        return nullcontext()
