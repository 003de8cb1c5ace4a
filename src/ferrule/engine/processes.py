"""Processes of this machine, as /proc shows them: the number of one goes in, facts come out. proc(5).

Only the standard library is imported: the sandbox's own process asks too. What ends meanwhile counts nothing.
"""

# Pathlib would double the time to start.
# ruff: noqa: PTH115, PTH116, PTH123, PTH208

import os
from contextlib import suppress

PAGE = os.sysconf("SC_PAGE_SIZE")


def family(process: int) -> list[int]:
    """The process and all that descend from it."""
    found = [process]
    for each in found:
        found += _children(each)
    return found


def shares(process: int, kind: str) -> bool:
    """Whether it is in the same namespace of a kind, such as `net`, as we are."""
    return os.stat(f"/proc/{process}/ns/{kind}").st_ino == os.stat(f"/proc/self/ns/{kind}").st_ino


def sockets_of(process: int) -> frozenset[str]:
    """The inodes of the sockets that the family has open, as the tables in /proc/net name them.

    Raises `PermissionError` where they are not to be seen.
    """
    found = set()
    for each in family(process):
        with suppress(FileNotFoundError):
            for name in os.listdir(f"/proc/{each}/fd"):
                with suppress(FileNotFoundError):  # this one was closed meanwhile, and the others were not
                    target = os.readlink(f"/proc/{each}/fd/{name}")
                    if target.startswith("socket:["):
                        found.add(target[len("socket:[") : -1])
    return frozenset(found)


def unshared_memory(process: int) -> int:
    """Bytes of memory that the family holds for itself; pages that a fork left in common count twice."""
    total = 0
    for each in family(process):
        fields = _read(f"/proc/{each}/statm").split()
        if len(fields) > 2:
            total += (int(fields[1]) - int(fields[2])) * PAGE
    return total


def memory(process: int) -> int:
    """Bytes of memory that the family holds, each page once: the sum of Pss. Takes the right to trace it."""
    return 1024 * sum(
        int(line.split()[1])
        for each in family(process)
        for line in _read(f"/proc/{each}/smaps_rollup").splitlines()
        if line.startswith("Pss:")
    )


def is_first(process: int) -> bool:
    """Whether it is there, and process 1 of a namespace: a number of another machine's means nothing here."""
    numbers = status(process, "NSpid").split()
    return len(numbers) > 1 and numbers[-1] == "1"


def zombies(process: int) -> frozenset[int]:
    """Those of the family that have ended, and whose parent has not asked how."""
    return frozenset(each for each in family(process) if status(each, "State").startswith("Z"))


def status(process: int, name: str) -> str:
    """A line of its status without the name, empty where there is none."""
    for line in _read(f"/proc/{process}/status").splitlines():
        if line.startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""


def _children(process: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{process}/task")
    except OSError:
        return []
    return [
        int(child) for thread in threads for child in _read(f"/proc/{process}/task/{thread}/children").split()
    ]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
