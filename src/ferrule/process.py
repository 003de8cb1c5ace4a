"""The one place that starts programs: a `Command` goes in, a `Finished` comes out."""

import contextlib
import os
import select
import shlex
import signal
import subprocess  # noqa: TID251 - this is the one place
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, NamedTuple, Protocol

from ferrule.errors import FerruleError
from ferrule.overhear import Overheard

STOP_GRACE_SECONDS = 5.0
PIPE_BYTES = 1 << 20
"""Of a pipe, where the system has a choice: what is written before anybody reads holds nobody up."""


class Command(NamedTuple):  # not a dataclass or Struct: no import stands between a build and its cargo
    """A program to start; nothing has happened yet.

    `env` is added to the environment of ferrule itself (a value of None removes the name).
    A command with `talk` says what it has to say, on its stderr, to the person at the terminal.
    """

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str | None] = MappingProxyType({})
    stdin: bytes = b""
    talk: bool = False

    def __str__(self) -> str:
        return shlex.join(self.argv)


class Finished(NamedTuple):
    """What a program left behind. `returncode` is negative when a signal ended it."""

    returncode: int
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the program said that it succeeded."""
        return self.returncode == 0


class ProgramMissingError(FerruleError):
    """The program is not on this machine; the caller knows what that means."""


class Stop(Exception):  # noqa: N818 - a signal from a line handler, not an error
    """Raised by a line handler that has seen enough: the program is stopped, and that is no failure."""


LineHandler = Callable[[bytes], None]


class Runner(Protocol):
    """Starts programs. The real one is `SystemRunner`; tests have one that answers from a table."""

    def run(self, command: Command) -> Finished:
        """Run to the end and capture stdout (and stderr, unless the command talks)."""
        ...

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        """Run, and hand every line of stdout to `on_line` as it comes.

        stderr goes to the person, and its end is kept.
        """
        ...


class Attached(Protocol):
    """A program that runs beside us."""

    def signal(self, number: int) -> None:
        """Send a signal to the program alone; nothing happens when it has ended."""
        ...

    def ended(self, within: float = 0) -> bool:
        """Whether the program is gone, or goes within so many seconds."""
        ...

    def wait(self) -> int:
        """Wait for its end. Negative when a signal ended it."""
        ...


class Waiting(Protocol):
    """A program that has started, and reads its stdin before it does anything."""

    def tell(self, stdin: bytes) -> Attached:
        """Say what it is to do."""
        ...

    def drop(self) -> None:
        """End it, for there is nothing to do."""
        ...


class Starter(Protocol):
    """Starts programs that go on beside us. The real one is `SystemRunner`."""

    def ahead(self, command: Command, *, stdout: IO[bytes], stderr: IO[bytes]) -> Waiting:
        """Start before its stdin is known, so that its own start takes no time then."""
        ...

    def attached(self, command: Command, *, stdout: IO[bytes], stderr: IO[bytes]) -> Attached:
        """Start, and return at once: the program writes to the two streams itself."""
        ...


class SystemRunner:
    """Starts programs on this machine, each in a process group of its own so that none outlives us."""

    def run(self, command: Command) -> Finished:
        """Run to the end. Raises `ProgramMissingError` when there is no such program."""
        with _start(command, stderr=None if command.talk else subprocess.PIPE) as process:
            try:
                stdout, stderr = process.communicate(command.stdin)
            except BaseException:
                _stop(process)
                raise
        return Finished(returncode=process.returncode, stdout=stdout, stderr=stderr or b"")

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        """Run, lines of stdout to `on_line`; a handler that raises `Stop` ends the program early."""
        return self.begin(command).follow(on_line)

    def begin(self, command: Command) -> "Begun":
        """Start now what is to be streamed later; stdin is empty."""
        overheard = Overheard()
        try:
            process = _start(command, stderr=overheard.theirs.fileno(), pipesize=PIPE_BYTES)
        except FerruleError:
            overheard.close()
            raise
        assert process.stdin is not None
        process.stdin.close()
        overheard.theirs.close()
        return Begun(command, process, overheard)

    def attached(self, command: Command, *, stdout: IO[bytes], stderr: IO[bytes]) -> Attached:
        """Start in a process group of its own (Ctrl-C at the terminal is ours alone); stdin is read first."""
        return self.ahead(command, stdout=stdout, stderr=stderr).tell(command.stdin)

    def ahead(self, command: Command, *, stdout: IO[bytes], stderr: IO[bytes]) -> "_Waiting":
        """The same, and its stdin follows; that of the command itself is left out."""
        return _Waiting(_start(command, stdout=stdout.fileno(), stderr=stderr.fileno()))


class Begun:
    """A program that runs, and whose lines nobody has read yet. Either `follow` or `stop` ends it."""

    def __init__(self, command: Command, process: "subprocess.Popen[bytes]", overheard: Overheard) -> None:
        self.command = command
        self._process = process
        self._overheard = overheard

    def follow(self, on_line: LineHandler) -> Finished:
        """Every line from the first to `on_line`, until the program ends or `Stop` is raised."""
        with self._process as process, contextlib.closing(self._overheard) as overheard:
            assert process.stdout is not None
            try:
                for line in overheard.beside(process.stdout, lambda: process.poll() is not None):
                    on_line(line)
                process.wait()
            except Stop:
                _stop(process)
            except BaseException:
                _stop(process)
                raise
        return Finished(returncode=process.returncode, stderr=overheard.kept)

    def stop(self) -> None:
        """End it, whatever it is doing, and whatever it has said."""
        _stop(self._process)
        self._overheard.close()


class _Waiting:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def tell(self, stdin: bytes) -> Attached:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended before it read: `wait` tells
            self._process.stdin.write(stdin)
        _close(self._process.stdin)
        return _Attached(self._process)

    def drop(self) -> None:
        self._process.kill()
        _close(self._process.stdin)
        self._process.wait()


class _Attached:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def ended(self, within: float = 0) -> bool:
        if within > 0 and self._process.poll() is None:
            _await_end(self._process, within)
        return self._process.poll() is not None

    def wait(self) -> int:
        return self._process.wait()


def _await_end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Python asks again and again, less and less often; the kernel can tell at once."""
    if not hasattr(os, "pidfd_open"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return
    named = os.pidfd_open(process.pid)
    try:
        select.select((named,), (), (), seconds)
    finally:
        os.close(named)


def _start(
    command: Command, *, stdout: int = subprocess.PIPE, stderr: int | None, pipesize: int = -1
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=_environment(command.env),
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            pipesize=pipesize,
            process_group=None if _shares_terminal(command) else 0,
        )
    except FileNotFoundError as error:
        if command.cwd is not None and not command.cwd.is_dir():
            raise FerruleError(f"the folder {command.cwd} is not there") from error
        raise ProgramMissingError(f"`{command.argv[0]}` is not installed, or not on PATH") from error
    except OSError as error:
        raise FerruleError(f"cannot start `{command.argv[0]}`: {error.strerror}") from error


def _shares_terminal(command: Command) -> bool:
    """Whether the program stays in our group: one that talks at a terminal may ask for a passphrase there,
    and the terminal's Ctrl-C reaches it by itself."""
    return command.talk and os.isatty(0)


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the whole group: politely, then for good."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            if os.getpgid(process.pid) == os.getpgrp():
                process.send_signal(how)
            else:
                os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=STOP_GRACE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue
    # Whoever of it has not gone with the program; one that shares our group has none of its own.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    _close(process.stdout)
    _close(process.stdin)
    process.wait()


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with contextlib.suppress(BrokenPipeError):
            stream.close()
