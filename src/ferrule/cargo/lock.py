"""Cargo.lock where it is missing, and cargo's lock on a build folder, which a second build waits for."""

import fcntl
from pathlib import Path

from ferrule.cargo.plan import BuildPlan
from ferrule.cargo.sources import is_quiet
from ferrule.process import Command, Runner
from ferrule.report import Report


def write_missing_lock(runner: Runner, report: Report, plan: BuildPlan) -> None:
    """Have cargo choose the dependencies, as the build would: then they are known before it.

    Where it cannot, or must not, the build says so.
    """
    lock, options = plan.project.workspace.lock_file, plan.options
    if lock.is_file() or options.locked or options.frozen:
        return
    offline = ("--offline",) if options.offline else ()
    argv = ("cargo", "generate-lockfile", "--manifest-path", str(plan.project.manifest), *offline)
    if runner.run(Command(argv=argv, cwd=plan.project.folder)).ok:
        say_written(report, lock)


def say_written(report: Report, lock: Path) -> None:
    """Say that the source tree has a new file."""
    report.say(f"cargo wrote {lock.name}: commit it, so that every build is the same")


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
