"""Entry points: the handlers of Ctrl-C and SIGTERM first, everything else after them."""

import signal
import sys
from typing import NoReturn

from ferrule.errors import UserInterruptError


def main() -> NoReturn:
    """Entry point of the script `ferrule`."""
    _start(sys.argv[1:])


def cargo_main() -> NoReturn:
    """Entry point of `cargo ferrule`: cargo hands over its own name for us as the first argument."""
    arguments = sys.argv[1:]
    _start(arguments[1:] if arguments[:1] == ["ferrule"] else arguments)


def _start(arguments: list[str]) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        # Imported here, so that Ctrl-C during the import is handled too.
        from ferrule.cli.app import run

        sys.exit(run(arguments))
    except UserInterruptError:
        sys.exit(UserInterruptError.exit_code)


def _interrupt(_signum: int, _frame: object) -> None:
    raise UserInterruptError
