"""What is known of a service, as the generated files need it."""

import msgspec

from ferrule.contract import Variable


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A program of the project and what it asks of the place where it runs.

    `files` are pairs of what is taken along and its place; `volumes` are absolute paths.
    """

    name: str
    contract: tuple[Variable, ...] = ()
    description: str = ""
    args: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    capabilities: tuple[str, ...] = ()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A file as its kind would have it: `path` below the project, and the text between the marks."""

    kind: str
    path: str
    text: str
