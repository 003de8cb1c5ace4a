"""Runs the shell steps of a workflow one after the other: a file and a machine go in, finished jobs come out.

Every script runs as GitHub runs it: from a file, by the shell that the workflow names, with the variables of
workflow, job and step, and what it writes to GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH and GITHUB_STEP_SUMMARY
is read. What is not GitHub's here:

- `uses:`: `actions/checkout` is a clone of the project, the caches do nothing;
- a service is a Postgres of this machine on a port of its own, which takes the place of `localhost:5432`;
- `pipx` puts the ferrule of this tree on PATH and `docker pull` does nothing: both write down what was asked.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ferrule.process import Command, SystemRunner
from tests.generate.github_expression import evaluated, value_of
from tests.parts.postgres import postgres

SHELLS = {"bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail")}
"""Name → what GitHub makes of it."""
CHECKOUT = "actions/checkout"
ABSENT = ("actions/cache", "actions/cache/restore", "actions/cache/save")
SERVED = "localhost:5432/"
FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a workflow runs: an empty folder, a home that may be kept, and what GitHub would know.

    `project` is the repository, with its commits.
    """

    project: Path
    folder: Path
    home: Path
    github: Mapping[str, Any]
    secrets: Mapping[str, str] = {}
    env: Mapping[str, str] = {}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step that ran: what it printed, and the script, None for an action."""

    name: str
    script: str | None
    printed: str = ""


class Job(msgspec.Struct, kw_only=True):
    """A job and what it has come to so far; `steps` stay empty where its condition did not hold."""

    steps: list[Step] = []
    outputs: dict[str, str] = {}
    summary: str = ""
    by_id: dict[str, Any] = {}
    env: dict[str, str] = {}
    path: list[str] = []


def run_workflow(file: Path, machine: Machine) -> dict[str, Job]:
    """Every job by its name, in the order of `needs`; a step that fails is an AssertionError."""
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert workflow["defaults"]["run"]["shell"] in SHELLS
    _put_programs(machine)
    done: dict[str, Job] = {}
    for name, job in workflow["jobs"].items():
        needed = [job["needs"]] if "needs" in job else []
        assert all(each in done for each in needed), f"{name} comes before what it needs"
        done[name] = _run_job(name, job, workflow, machine, done)
    return done


def _run_job(name: str, job: Any, workflow: Any, machine: Machine, done: Mapping[str, Job]) -> Job:
    state = Job(path=[str(machine.home / ".local" / "bin")])
    contexts = {
        "github": {"workflow": workflow["name"], **machine.github},
        "runner": {"os": "Linux", "temp": str(machine.folder / name / "temp")},
        "secrets": machine.secrets,
        "needs": {each: {"outputs": job.outputs} for each, job in done.items()},
        "steps": state.by_id,
    }
    if not value_of(job.get("if", "'always'"), contexts):
        return state
    (machine.folder / name / "temp").mkdir(parents=True)
    with ExitStack() as stack:
        served = stack.enter_context(_services(job.get("services", {}), machine.folder / name))
        start = workflow["defaults"]["run"].get("working-directory", ".")
        for step in job["steps"]:
            if value_of(step.get("if", "'always'"), contexts):
                _run_step(step, state, _Place(name, machine, contexts, served, start), (workflow, job))
    state.outputs = {key: evaluated(value, contexts) for key, value in job.get("outputs", {}).items()}
    return state


class _Place(msgspec.Struct, frozen=True):
    """What the steps of a job have in common."""

    job: str
    machine: Machine
    contexts: Mapping[str, Any]
    served: str
    start: str

    @property
    def folder(self) -> Path:
        return self.machine.folder / self.job

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def evaluated(self, part: Mapping[str, Any]) -> dict[str, str]:
        """The variables of a part of the workflow, with the port of this machine."""
        found = {str(key): evaluated(str(value), self.contexts) for key, value in part.get("env", {}).items()}
        return {key: value.replace(SERVED, self.served) for key, value in found.items()}


def _run_step(step: Any, state: Job, place: _Place, around: tuple[Any, ...]) -> None:
    if "uses" in step:
        action = step["uses"].partition("@")[0]
        assert action in (CHECKOUT, *ABSENT), f"no equivalent for {action}"
        if action == CHECKOUT:
            _must(("git", "clone", "--quiet", str(place.machine.project), str(place.workspace)))
        state.steps.append(Step(name=step["name"], script=None))
        return
    variables: dict[str, str] = {}
    for part in around:
        variables |= place.evaluated(part)
    files = {each: place.folder / f"{len(state.steps)}-{each}" for each in FILES}
    for file in files.values():
        file.touch()
    variables |= state.env | place.evaluated(step) | {key: str(file) for key, file in files.items()}
    script = evaluated(step["run"], place.contexts)
    printed = _run_script(script, step, state, place, variables)
    state.steps.append(Step(name=step["name"], script=script, printed=printed))
    state.by_id[step.get("id", "")] = {"outputs": _assignments(files["GITHUB_OUTPUT"])}
    state.env |= _assignments(files["GITHUB_ENV"])
    state.path[:0] = reversed(files["GITHUB_PATH"].read_text().split("\n")[:-1])
    state.summary += files["GITHUB_STEP_SUMMARY"].read_text()


def _run_script(script: str, step: Any, state: Job, place: _Place, variables: Mapping[str, str]) -> str:
    file = place.folder / f"{len(state.steps)}.sh"
    file.write_text(script, encoding="utf-8")
    told = {key: value for key, value in place.machine.github.items() if key not in ("event", "token")}
    known = {f"GITHUB_{key.upper()}": str(value) for key, value in told.items()}
    env = {
        **place.machine.env,
        "HOME": str(place.machine.home),
        "PATH": ":".join((*state.path, str(place.machine.folder / "programs"), os.environ["PATH"])),
        "RUNNER_TEMP": str(place.folder / "temp"),
        "GITHUB_WORKSPACE": str(place.workspace),
        **known,
        **variables,
    }
    where = place.workspace / evaluated(step.get("working-directory", place.start), place.contexts)
    done = SystemRunner().run(Command(argv=(*SHELLS["bash"], str(file)), cwd=where, env=env))
    printed = (done.stdout + done.stderr).decode(errors="replace")
    assert done.ok, f"{place.job}: {step['name']} ended with {done.returncode}\n{script}\n{printed}"
    return printed


def _assignments(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert all("=" in line and "<<" not in line for line in lines), f"{file.name}: {lines}"
    return dict(line.split("=", 1) for line in lines)


@contextmanager
def _services(services: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """What takes the place of `localhost:5432/`: the address of a Postgres, while the job runs."""
    if not services:
        yield SERVED
        return
    (name,) = services
    assert (name, services[name]["ports"]) == ("postgres", ["5432:5432"])
    assert re.fullmatch(r"postgres:\d+", services[name]["image"])
    with postgres(folder / "postgres") as url:
        yield f"{url.partition('@')[2].partition('/')[0]}/"


def _put_programs(machine: Machine) -> None:
    """`pipx` and `docker`, as the docstring above says."""
    folder = machine.folder / "programs"
    folder.mkdir(parents=True)
    ferrule = Path(sys.executable).with_name("ferrule")
    texts = {
        "pipx": f'test "$1" = install && mkdir -p ~/.local/bin && ln -sf "{ferrule}" ~/.local/bin/ferrule',
        "docker": 'test "$1" = pull',
    }
    for name, text in texts.items():
        (folder / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{folder / name}.log"\n{text}\n')
        (folder / name).chmod(0o755)


def _must(argv: tuple[str, ...]) -> None:
    done = SystemRunner().run(Command(argv=argv))
    assert done.ok, done.stderr.decode(errors="replace")
