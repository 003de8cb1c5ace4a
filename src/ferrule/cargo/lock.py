"""cargo's lock on a project's build folder: a second build waits for it, and a person is to know why."""

import fcntl
from pathlib import Path

from ferrule.cargo.plan import BuildPlan
from ferrule.cargo.sources import is_quiet
from ferrule.report import Report


def say_if_waiting(report: Report, plan: BuildPlan) -> None:
    """Say that another build is under way, where cargo was told to be quiet: otherwise it says so itself."""
    profile = "debug" if plan.profile.name == "dev" else plan.profile.name
    if is_quiet(plan.project.folder) and _is_locked(plan.target_dir / plan.triple / profile):
        report.say("waiting for another build of this project")


def _is_locked(folder: Path) -> bool:
    """Tried with a lock of our own, for a moment. Where there are no locks, cargo waits for none either."""
    for path in folder.glob(".cargo*lock"):
        try:
            with path.open("rb") as stream:
                fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            continue
    return False
