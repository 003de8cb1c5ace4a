"""The head start of cargo, as early as a command line can be told from others."""

# Pathlib would take as long as a fourth of click, and `--help` needs none of it.
# ruff: noqa: PTH109

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from ferrule.errors import FerruleError

if TYPE_CHECKING:
    from ferrule.cargo.head_start import HeadStart

VERBS = ("build", "run")


def ahead_of(arguments: list[str]) -> "AbstractContextManager[HeadStart | None]":
    """In the block, what runs cargo finds it at work already, if the same was asked for here before."""
    if not arguments or arguments[0] not in VERBS or {"-h", "--help"} & {*arguments}:
        return nullcontext()
    from ferrule.cargo.head_start import head_start
    from ferrule.folders import cache_folder

    try:
        return head_start(cache_folder() / "builds.json", (os.getcwd(), *arguments))
    except (FerruleError, OSError):
        return nullcontext()  # the verb itself will say what is wrong
