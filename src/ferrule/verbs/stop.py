"""Stops programs that `ferrule run --detach` started, and removes what is left of them."""

from collections.abc import Iterator

import msgspec

from ferrule.engine.choose import engines_here
from ferrule.engine.engine import STOP_GRACE_SECONDS, Detached, Engine
from ferrule.errors import UsageError


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A program that is gone. `by_itself`: it was before; `code` is None when nobody knows it any more."""

    name: str
    engine: str
    code: int | None
    by_itself: bool


def stop(
    names: tuple[str, ...], *, engine: str = "auto", seconds: int = STOP_GRACE_SECONDS
) -> Iterator[Stopped]:
    """Stop one after the other: the stop signal of its image, and after `seconds` its end.

    `engine` is one of `choose`, or `auto` for all that are there. Raises `UsageError` for names that nothing
    has, when the others are stopped.
    """
    engines = engines_here(engine)
    unknown = []
    for name in dict.fromkeys(names):
        found = _find(engines, name)
        if found is None:
            unknown.append(name)
            continue
        owner, program = found
        by_itself = program.ended()
        code = program.stop(seconds)
        yield Stopped(name=name, engine=owner.name, code=code, by_itself=by_itself)
    if unknown:
        running = [name for each in engines for name in each.running()]
        raise UsageError(
            f"nothing that ferrule started is named {' or '.join(unknown)}",
            hint=f"running: {', '.join(running)}" if running else "nothing that ferrule started is running",
        )


def _find(engines: tuple[Engine, ...], name: str) -> tuple[Engine, Detached] | None:
    found, refusals = [], []
    for engine in engines:
        try:
            program = engine.find(name)
        except UsageError as error:  # somebody else's, which matters only where there is none of ours
            refusals.append(error)
            continue
        if program is not None:
            found.append((engine, program))
    if len(found) > 1:
        owners = " and ".join(engine.name for engine, _ in found)
        raise UsageError(f"{owners} both have a {name}", hint="say which: --engine")
    if not found and refusals:
        raise refusals[0]
    return found[0] if found else None
