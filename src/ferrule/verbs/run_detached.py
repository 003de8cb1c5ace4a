"""Leaves a program running: what the verb `run` does with `--detach`."""

from ferrule.engine.engine import STOP_GRACE_SECONDS, Detached, Engine, RunRequest, name_in_use
from ferrule.engine.health import wait_healthy
from ferrule.errors import ImageError
from ferrule.verbs.context import Context
from ferrule.verbs.run_health import HealthUrl

SHOWN_LINES = 20


def free_name(engine: Engine, name: str) -> None:
    """Make sure that nothing has the name; what ended under it goes. Raises `UsageError` when that runs."""
    there = engine.find(name)
    if there is None:
        return
    if not there.ended():
        raise name_in_use(name)
    there.stop(0)


def leave_running(
    context: Context,
    engine: Engine,
    request: RunRequest,
    name: str,
    health: HealthUrl | None,
    seconds: float,
) -> None:
    """Start the program under the name; with `health`, return when it is well.

    Raises `ImageError` when it is not after `seconds`: it is stopped then, and its last lines are shown.
    """
    program = engine.detach(request, name)
    try:
        context.report.say(f"what it writes: {program.output}")
        if health is None:
            return
        answer = wait_healthy(health.question, within=seconds, ended=program.ended)
    except BaseException:
        program.stop(STOP_GRACE_SECONDS)
        raise
    if answer.healthy:
        context.report.say(health.well(answer))
        return
    _give_up(context, program)
    raise ImageError(
        f"{name} was not healthy after {answer.seconds:.1f} s and is stopped: {health}: {answer.reason}",
        hint="its last lines are above; --wait-timeout gives it longer",
    )


def _give_up(context: Context, program: Detached) -> None:
    lines = program.last_lines(SHOWN_LINES)
    program.stop(STOP_GRACE_SECONDS)
    context.report.raw(lines if lines.endswith("\n") or not lines else f"{lines}\n")
