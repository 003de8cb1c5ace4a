"""The environment contract: what it is, whether an environment keeps it, and what the source says."""

import difflib
import os
from collections.abc import Mapping

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
    values = _values(place)
    if place != HERE:
        names = [variable.name for variable in contract]
        for name in sorted(set(values) - set(names)):
            near = difflib.get_close_matches(name, names, 1)
            if near:
                context.report.warn(f"{name} is not in the contract; did you mean {near[0]}?")
    faults = ((variable.name, _fault(variable, values.get(variable.name))) for variable in contract)
    return tuple(Fault(name=name, reason=reason) for name, reason in faults if reason)


def _values(place: str) -> dict[str, str]:
    if place == HERE:
        return dict(os.environ)
    return {name: value for name, value in read_env_file(place) if value is not None}


def _fault(variable: Variable, value: str | None) -> str | None:
    if not value:
        missing = "is missing" if value is None else "is empty"
        return missing if variable.required else None
    fault = variable.fault(value)
    if fault and value[0] in QUOTES and value[-1] == value[0] and not variable.fault(value[1:-1]):
        return f"{fault}: the quotes are part of the value, as Docker and podman read such a file"
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
