"""The call of cargo that the same command line made last time, begun before anything else is known.

A plan takes about as long as a cargo that has nothing to do. Most of the time it ends in the same call as
before; otherwise the one that was begun is stopped, and nothing that it has compiled is lost.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ferrule.cargo.sources import is_quiet
from ferrule.errors import FerruleError
from ferrule.memory import Memory
from ferrule.process import Begun, Command, Finished, LineHandler, SystemRunner


class HeadStart:
    """A `Runner`, ahead of time with one command. Made by `head_start`."""

    def __init__(self, runner: SystemRunner, memory: Memory, words: tuple[str, ...]) -> None:
        self._runner = runner
        self._memory = memory
        self._key = _key(words)
        self._begun: Begun | None = None
        self._has_remembered = False

    def begin(self) -> None:
        """Start what the same words led to before, if that can do no harm and confuse nobody."""
        command = _command(self._memory.recall(self._key))
        if command is None or command.cwd is None or not _has_libraries(command):
            return
        if _is_welcome(command.cwd):
            try:
                self._begun = self._runner.begin(command)
            except FerruleError:
                return  # a cargo that is not there any more: the plan will tell

    def stop(self) -> None:
        """End what was begun and never asked for."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.stop()

    def run(self, command: Command) -> Finished:
        """Any other program, as ever."""
        return self._runner.run(command)

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        """The begun one's lines if it is that, and otherwise those of a new one.

        Of several, one for each platform, the first is remembered: it is the one that is asked for first.
        """
        begun, self._begun = self._begun, None
        if begun is not None and begun.command != command:
            begun.stop()
            begun = None
        finished = begun.follow(on_line) if begun else self._runner.stream(command, on_line)
        if finished.ok and not self._has_remembered:
            self._has_remembered = True
            self._memory.remember(self._key, _entry(command))
        return finished


@contextmanager
def head_start(file: Path, words: tuple[str, ...]) -> Iterator[HeadStart]:
    """Begin what `words` (the folder and the command line) led to before; `file` remembers it."""
    ahead = HeadStart(SystemRunner(), Memory(file), words)
    ahead.begin()
    try:
        yield ahead
    finally:
        ahead.stop()


def _entry(command: Command) -> dict[str, Any]:
    return {"argv": list(command.argv), "cwd": str(command.cwd), "env": dict(command.env)}


def _command(entry: Any) -> Command | None:
    """The call that an entry holds, if it is whole."""
    try:
        argv, cwd, env = entry["argv"], entry["cwd"], entry["env"]
        strings = (*argv, cwd, *env, *env.values())
        if argv and all(isinstance(text, str) for text in strings):
            return Command(argv=tuple(argv), cwd=Path(cwd), env=env, talk=True)
    except (TypeError, LookupError, AttributeError):
        pass
    return None


def _key(words: tuple[str, ...]) -> str:
    """A checksum: what stands on a command line may be nobody else's business. Words that have the same one
    lead to another call than the one that was begun, and that is all."""
    return str(zlib.crc32("\0".join(words).encode(errors="surrogateescape")))


def _has_libraries(command: Command) -> bool:
    """Whether what it links of ours is still there: the cache may be deleted between runs."""
    folders = (word.removeprefix("native=") for word in command.argv if word.startswith("native="))
    return all(Path(folder).is_dir() for folder in folders)


def _is_welcome(folder: Path) -> bool:
    """Not where cargo would write its lock file or wait without a word: both are to be said first."""
    locked = any((place / "Cargo.lock").is_file() for place in (folder, *folder.parents))
    return locked and not is_quiet(folder)
