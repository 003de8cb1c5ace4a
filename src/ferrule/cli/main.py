"""Entry points: the handlers of Ctrl-C and SIGTERM first, everything else after them."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

from ferrule.errors import OutputError, UserInterruptError

OBJECTS_BEFORE_COLLECTION = 100_000
"""Imports make tens of thousands of objects that all stay: Python would look through them again and again."""

SOON_SECONDS = 0.01


def main() -> NoReturn:
    """Entry point of the script `ferrule`."""
    _start(sys.argv[1:], "ferrule")


def cargo_main() -> NoReturn:
    """Entry point of `cargo ferrule`: cargo hands over its own name for us as the first argument."""
    arguments = sys.argv[1:]
    _start(arguments[1:] if arguments[:1] == ["ferrule"] else arguments, "cargo ferrule")


def _start(arguments: list[str], name: str) -> NoReturn:
    _on_signals(_end)
    _open_streams()
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    # Imported here, so that Ctrl-C during the import is handled too.
    from ferrule.cli.ahead import ahead_of

    try:
        sys.unraisablehook = _ask_again
        with ahead_of(arguments) as ahead:
            if ahead is not None:
                _on_signals(_end_after(ahead.stop))
            from ferrule.cli.app import run

            _on_signals(_interrupt)
            code = run(arguments, ahead, name)
        # All is done and said: a Ctrl-C now must not turn success into a death by signal.
        _on_signals(signal.SIG_IGN)
    except UserInterruptError:
        # Just before `run` could handle it, or just after.
        _end()
    _leave(code)


def _open_streams() -> None:
    """Have all three: in place of one that was closed, the next file that is opened would be written to."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - no path, no end
    # A path need not be UTF-8, and the next tool wants its bytes.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")


def _leave(code: int) -> NoReturn:
    """End at once: to take three hundred modules apart one by one takes as long as a small push."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        # Nobody reads us any more, or the stream is closed: Python's own end knows what that means.
        sys.exit(code)
    except OSError as error:
        if not code:  # else something has been said already, and most likely this
            with suppress(OSError):
                os.write(2, f"error: cannot write the result: {error.strerror}\n".encode())
        code = code or OutputError.exit_code
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def _on_signals(handler: Callable[[int, object], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _end(*_: object) -> NoReturn:
    """For when nothing has begun: Python makes errors of its own of what is raised in an import."""
    with suppress(OSError):
        os.write(2, b"error: interrupted\n")
    os._exit(UserInterruptError.exit_code)


def _end_after(stop: Callable[[], None]) -> Callable[[int, object], NoReturn]:
    """The same once something has begun that would run on without us."""

    def end(*_: object) -> NoReturn:
        stop()
        _end()

    return end


def _ask_again(lost: "sys.UnraisableHookArgs") -> None:
    """What is raised in a finaliser is lost: the signal comes once more, when that is over."""
    if not isinstance(lost.exc_value, UserInterruptError):
        sys.__unraisablehook__(lost)
        return
    from threading import Timer

    again = Timer(SOON_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
    again.daemon = True
    again.start()


def _interrupt(_signum: int, _frame: object) -> None:
    raise UserInterruptError
