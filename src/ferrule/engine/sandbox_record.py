"""What a sandbox that runs on says about itself in its folder: who guards it, and how it ended.

Only the standard library is imported: the sandbox's own process writes it.
"""

# Pathlib would double the time to start.
# ruff: noqa: PTH105, PTH123

import json
import os

ROOT, FAILURE, LOG = "root", "failure", "log"
GUARD, ENDED = "guard", "ended"
PROGRAM, OUT_OF_MEMORY = "program", "out-of-memory"
ERRAND, OUTPUT, CODES = "errand", "errand-output", "errand-codes"


def write_guard(place: str) -> None:
    """Say that this process guards the program: its number, and when it began, as numbers come again."""
    _write(f"{place}/{GUARD}", [os.getpid(), start_time(os.getpid())])


def find_guard(place: str) -> int | None:
    """A descriptor of the guarding process: pidfd_open(2). None when it is gone, or not to be seen."""
    known = _read(f"{place}/{GUARD}")
    if not (isinstance(known, list) and len(known) == 2 and isinstance(known[0], int) and known[0] > 0):
        return None
    try:
        process = os.pidfd_open(known[0])
    except ProcessLookupError:
        return None
    if start_time(known[0]) == known[1]:
        return process
    os.close(process)
    return None


def write_program(place: str, process: int) -> None:
    """Say which process became the program, as this machine numbers it."""
    _write(f"{place}/{PROGRAM}", process)


def read_program(place: str) -> int | None:
    """The process that is the program, None while it has not started."""
    process = _read(f"{place}/{PROGRAM}")
    return process if isinstance(process, int) else None


def write_out_of_memory(place: str) -> None:
    """Say that the program is ended because it used too much."""
    _write(f"{place}/{OUT_OF_MEMORY}", 1)


def write_errand(place: str, argv: tuple[str, ...]) -> None:
    """Say what is to run beside the program, and have an empty file for what it says."""
    with open(f"{place}/{OUTPUT}", "wb"):
        pass
    _write(f"{place}/{ERRAND}", argv)


def read_errand(place: str) -> tuple[str, ...] | None:
    """What is to run beside the program."""
    argv = _read(f"{place}/{ERRAND}")
    return tuple(argv) if isinstance(argv, list) else None


def write_code(place: str, code: int) -> None:
    """Say to who waits for it how a command beside the program ended."""
    try:
        codes = os.open(f"{place}/{CODES}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # nobody waits any more
        return
    os.write(codes, f"{code}".encode())
    os.close(codes)


def write_end(place: str, code: int) -> None:
    """Say how the program ended."""
    _write(f"{place}/{ENDED}", code)


def read_end(place: str) -> int | None:
    """The program's exit code, None when it has not ended, or nobody saw how."""
    code = _read(f"{place}/{ENDED}")
    return code if isinstance(code, int) else None


def start_time(process: int) -> int | None:
    """When a process began, in ticks since the machine did: proc(5), field 22 of stat. None without one."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    return int(stat.rpartition(b")")[2].split()[19])


def _write(file: str, value: object) -> None:
    with open(f"{file}.part", "w", encoding="ascii") as part:
        part.write(json.dumps(value))
    os.replace(f"{file}.part", file)


def _read(file: str) -> object:
    try:
        with open(file, "rb") as stream:
            return json.loads(stream.read())
    except (OSError, ValueError):
        return None
