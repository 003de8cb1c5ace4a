"""What cargo locks: a build folder, which a second build waits for, and versions, in a file it writes."""

import fcntl
from pathlib import Path

from ferrule.cargo.plan import BuildPlan
from ferrule.cargo.sources import is_quiet
from ferrule.process import Command, Runner
from ferrule.report import Report


def say_if_waiting(report: Report, plan: BuildPlan) -> None:
    """Say that another build is under way, where cargo was told to be quiet: otherwise it says so itself."""
    profile = "debug" if plan.profile.name == "dev" else plan.profile.name
    if is_quiet(plan.project.folder) and _is_locked(plan.target_dir / plan.triple / profile):
        report.say("waiting for another build of this project")


def write_missing_lock(runner: Runner, report: Report, plan: BuildPlan) -> None:
    """Have the Cargo.lock that the build would write, where its crates are to be known before.

    Where cargo cannot or may not write it, the build says why.
    """
    lock, options = plan.project.workspace.lock_file, plan.options
    if lock.is_file() or options.locked or options.frozen:
        return
    offline = ("--offline",) if options.offline else ()
    argv = ("cargo", "generate-lockfile", "--manifest-path", str(plan.project.manifest), *offline)
    runner.run(Command(argv=argv, cwd=plan.project.folder))
    say_if_written(report, plan)


def say_if_written(report: Report, plan: BuildPlan) -> None:
    """Say that cargo wrote a Cargo.lock, where there was none before."""
    if plan.project.workspace.lock_file.is_file():
        report.say(
            f"cargo wrote {plan.project.workspace.lock_file.name}: commit it, so that every build is the same"
        )


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
