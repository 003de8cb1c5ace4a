"""The environment contract: what it is, whether an environment keeps it, and what the source says."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping

import msgspec

from ferrule.cargo.metadata import Project
from ferrule.cargo.program_files import program_files
from ferrule.cargo.select import Selection
from ferrule.cargo.variables import Read, Scan, Source, Unclear, read_sources, scan
from ferrule.config import Settings
from ferrule.contract import Variable, what_credential
from ferrule.engine.variables import read_env_file
from ferrule.verbs.context import Context
from ferrule.verbs.prepare import ProjectRequest, read_settings

HERE = "-"
"""In place of a file: the environment of this process."""

QUOTES = ("'", '"')
TYPE_ENDINGS = {"PORT": "port", "URL": "url", "URI": "url"}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one variable of an environment. Its value is never part of it."""

    name: str
    reason: str


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What the source reads beside the contract, what it does not tell, and what is in the contract only.

    `places` has for each proposed name every file:line that reads it.
    """

    proposed: tuple[Variable, ...]
    places: Mapping[str, tuple[str, ...]]
    unclear: tuple[Unclear, ...]
    known: tuple[str, ...]
    unread: tuple[str, ...]


def read_contract(context: Context, request: ProjectRequest) -> tuple[Variable, ...]:
    """The contract of the chosen program, by name."""
    return read_settings(context, request)[2].contract


def check_environment(context: Context, contract: tuple[Variable, ...], place: str) -> tuple[Fault, ...]:
    """Every fault of an environment file, or of the environment here for `-`, in the order of names."""
    found = _values(place)
    values = dict(found)
    faults = {variable.name: _fault(variable, values.get(variable.name)) for variable in contract}
    if place != HERE:
        for line in _doubts(found, faults):
            context.report.warn(line)
        names = [variable.name for variable in contract]
        for name in sorted(set(values) - set(names)):
            near = difflib.get_close_matches(name, names, 1)
            if near:
                context.report.warn(f"{name} is not in the contract; did you mean {near[0]}?")
    return tuple(Fault(name=name, reason=reason) for name, reason in faults.items() if reason)


def _values(place: str) -> tuple[tuple[str, str], ...]:
    if place == HERE:
        return tuple(os.environ.items())
    return tuple((name, value) for name, value in read_env_file(place) if value is not None)


def _doubts(found: tuple[tuple[str, str], ...], faults: Mapping[str, str | None]) -> Iterator[str]:
    """What is allowed in a file and seldom meant."""
    names = [name for name, _ in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} is there {names.count(name)} times; the last one counts"
    for name, value in dict(found).items():
        if value.startswith(QUOTES) and not faults.get(name):
            ends = len(value) > 1 and value.endswith(value[0])
            more = "the quotes are part of the value" if ends else "its value ends with the line"
            yield f"{name} begins with a quote: {more}, as Docker and podman read such a file"


def _fault(variable: Variable, value: str | None) -> str | None:
    if not value:
        missing = "is missing" if value is None else "is empty"
        return missing if variable.required else None
    fault = variable.fault(value)
    if fault and value[0] in QUOTES and value[-1] == value[0] and not variable.fault(value[1:-1]):
        return f"{fault}: the quotes are part of the value, as Docker and podman read such a file"
    if fault and value != value.strip() and not variable.fault(value.strip()):
        return f"{fault}: the blanks around it are part of the value"
    if fault and not variable.fault(re.split(r"\s+#", value)[0].strip()):
        return f"{fault}: what stands behind it is part of the value, no comment"
    return fault


def scan_project(context: Context, request: ProjectRequest) -> Scanned:
    """Compare the contract with the source of the program and of the workspace's packages in it."""
    project, selection, settings = read_settings(context, request)
    return compared(scan(program_sources(project, selection)), settings)


def program_sources(project: Project, selection: Selection) -> tuple[Source, ...]:
    """The sources that are compiled into the program, by their paths in the workspace."""
    root = project.workspace.workspace_root
    files = program_files(project.workspace, selection.package, selection.binary)
    return read_sources({file: os.path.relpath(file, root) for file in files})


def compared(found: Scan, settings: Settings) -> Scanned:
    """What the source reads, beside the contract."""
    known = {variable.name for variable in settings.contract}
    read = {each.name for each in found.reads}
    by_name = {name: [each for each in found.reads if each.name == name] for name in sorted(read - known)}
    return Scanned(
        proposed=tuple(_proposal(name, reads) for name, reads in by_name.items()),
        places={
            name: tuple(dict.fromkeys(f"{each.path}:{each.line}" for each in reads))
            for name, reads in by_name.items()
        },
        unclear=found.unclear,
        known=tuple(sorted(known & read)),
        unread=tuple(sorted(known - read)),
    )


def _proposal(name: str, reads: list[Read]) -> Variable:
    """What the reads of one variable say together: a default of one is one of all."""
    default = next((each.default for each in reads if each.default is not None), None)
    is_secret = any(each.secret for each in reads) or name.endswith("DATABASE_URL")
    is_secret = is_secret or what_credential(name, default or "unknown") is not None
    kind = TYPE_ENDINGS.get(name.rpartition("_")[2])
    if default is not None and Variable(name=name, type=kind).fault(default):
        kind = None
    return Variable(
        name=name,
        required=default is None and any(each.required for each in reads),
        secret=is_secret,
        default=None if is_secret else default,
        type=kind,
    )
