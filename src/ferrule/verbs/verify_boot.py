"""One boot of an image, as production would boot it: a request goes in, what was seen of it comes out."""

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO

import msgspec

from ferrule.engine.container_guard import guarded
from ferrule.engine.engine import Engine, Running, RunRequest
from ferrule.engine.processes import memory, status, zombies
from ferrule.engine.sockets import Socket, listening
from ferrule.errors import EngineError, ImageError
from ferrule.values import Port
from ferrule.verbs.verify_health import Asked, HealthSource, ask, ask_live, version_in

PAUSE, SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.001, 0.1
"""Between two looks: this share of the time that has passed, in these bounds."""

NO_PROGRAM = re.compile(r"(?:standard_init_linux\.go:[0-9]+: )?exec (.{1,300}: exec format error)")
ASK_ANYWAY_SECONDS = 1.0
"""How long nothing may listen before the check is asked all the same."""

SETTLE = (0.1, 1.0)
"""How long it has to stay healthy at least and at most, in seconds, unless it is said."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What is waited for, and how long, in seconds.

    `settle` is how long it has to stay healthy. None is as long as it took to become so, within `SETTLE`:
    what goes wrong behind a start does so in its time, on a slow machine too. `grace` is what it has to end
    after its stop signal. `ports` are those that the image declares. `stop` is the number of the stop signal.
    """

    health: HealthSource
    ports: tuple[Port, ...]
    within: float
    settle: float | None
    grace: float
    stop: int


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """An end that nobody asked for. `after` in seconds from the start."""

    after: float
    code: int
    out_of_memory: bool = False


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """What the stop signal did. `killed`: it had to be ended. `handler` is what process 1 had for the signal:
    "handled", "ignored", "none", or empty where that is not to be seen."""

    seconds: float
    code: int
    killed: bool
    handler: str


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen. Times in seconds from the start, memory in bytes.

    `refused` is why the engine could not start it, else empty. `healthy_after` is None when it never was.
    `health` is the last answer, `unhealthy_after` when it was lost again; `live` is the answer of the path
    for liveness. `sockets` is None where they are not to be seen, as `memory` is. `written` are paths of the
    root, where that was writable.
    """

    refused: str = ""
    healthy_after: float | None = None
    unhealthy_after: float | None = None
    health: Asked | None = None
    live: Asked | None = None
    ended: Ended | None = None
    sockets: tuple[Socket, ...] | None = None
    memory: int | None = None
    zombies: int = 0
    version: str | None = None
    stopped: Stopped | None = None
    written: tuple[str, ...] = ()
    waited: float = 0.0


def boot(engine: Engine, request: RunRequest, watch: Watch, output: BinaryIO) -> Boot:
    """Start it, wait until it is well, look at it, stop it; what it writes goes to `output`."""
    started = time.monotonic()
    try:
        with engine.start(request, stdout=output, stderr=output) as running, _kept(engine, request, running):
            seen = _Eye(running, watch, started).look()
            if request.strict is not None and request.strict.writable:
                seen = msgspec.structs.replace(seen, written=running.inside.written())
    except EngineError:
        raise
    except ImageError as error:
        return Boot(refused=error.message)
    refused = _refusal(output) if seen.ended is not None and seen.healthy_after is None else ""
    return Boot(refused=refused) if refused else seen


def _kept(engine: Engine, request: RunRequest, running: Running) -> AbstractContextManager[None]:
    """Somebody who ends it when we are killed. A sandbox has its guard, a database's container too."""
    if engine.loader is None or request.network_of or not running.network:
        return nullcontext()
    return guarded(engine.name, running.network)


def _refusal(output: BinaryIO) -> str:
    """What runc says in the program's place, when the kernel takes the file for none of its programs."""
    found = NO_PROGRAM.fullmatch(os.pread(output.fileno(), 1 << 12, 0).decode(errors="replace").strip())
    return f"exec {found[1]}: it is for another processor, or no program" if found else ""


class _Eye:
    """Looks at one running program."""

    def __init__(self, running: Running, watch: Watch, started: float) -> None:
        self._running = running
        self._inside = running.inside
        self._watch = watch
        self._started = started
        self._process: int | None = None
        self._sockets: tuple[Socket, ...] | None = None
        self._health: Asked | None = None

    def look(self) -> Boot:
        healthy = self._until(self._is_well, self._watch.within)
        if self._health is None and not self._running.ended():
            self._ask()  # its own words, also where the machine was too busy to ask in time
        healthy_after = self._now() if healthy else None
        unhealthy_after, version, live = None, None, None
        left = zombies(self._process) if healthy and self._process else frozenset[int]()
        if healthy_after is not None:
            # Asked while it has to stay healthy anyway.
            version = version_in(self._inside, self._watch.health, self._health)
            live = ask_live(self._inside, self._watch.health)
            self._until(lambda: False, healthy_after + self._settle(healthy_after) - self._now())
            if not self._running.ended() and not self._is_well():
                unhealthy_after = self._now()
        waited = self._now()
        ended = self._end() if self._running.ended() else None
        used = None
        if ended is None:
            if not healthy:
                self._find()  # else it was looked at before the last question
            used = memory(self._process) or None if self._process else None
            # In both looks: one that has just ended may still be asked.
            left &= zombies(self._process) if self._process else left
        stopped = self._stop() if healthy and ended is None else None
        return Boot(
            healthy_after=healthy_after,
            unhealthy_after=unhealthy_after,
            health=self._health,
            ended=ended,
            sockets=self._sockets,
            memory=used,
            zombies=0 if ended else len(left),
            version=None if ended else version,
            live=None if ended else live,
            stopped=stopped,
            waited=waited,
        )

    def _settle(self, healthy_after: float) -> float:
        least, most = SETTLE
        return min(max(healthy_after, least), most) if self._watch.settle is None else self._watch.settle

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for it, so long or until the program's end."""
        began = time.monotonic()
        while not self._running.ended():
            if condition():
                return True
            passed = time.monotonic() - began
            if passed >= seconds:
                break
            time.sleep(min(max(PAUSE * passed, SHORTEST_PAUSE), LONGEST_PAUSE, seconds - passed))
        return False

    def _is_well(self) -> bool:
        self._find()
        # Before anything listens no check can succeed, and to run one costs more than to look.
        patience = min(ASK_ANYWAY_SECONDS, self._watch.within / 2)
        if not self._sockets and self._watch.ports and self._now() < patience:
            return False
        return self._ask().healthy and not self._running.ended()

    def _ask(self) -> Asked:
        self._health = ask(self._inside, self._watch.health, self._sockets, self._now())
        return self._health

    def _find(self) -> None:
        self._process = self._process or self._inside.process()
        found = listening(self._process) if self._process else ()
        if self._process:
            self._sockets = found or self._sockets or ()

    def _end(self) -> Ended:
        after, code = self._now(), self._running.wait()
        return Ended(after=after, code=code, out_of_memory=self._inside.out_of_memory())

    def _stop(self) -> Stopped:
        handler = _handler(self._process, self._watch.stop)
        asked = time.monotonic()
        self._running.stop()
        self._until(lambda: False, self._watch.grace)
        killed = not self._running.ended()
        if killed:
            self._running.stop()
        code = self._running.wait()
        return Stopped(seconds=time.monotonic() - asked, code=code, killed=killed, handler=handler)

    def _now(self) -> float:
        return time.monotonic() - self._started


def _handler(process: int | None, number: int) -> str:
    bit = 1 << (number - 1)
    masks = [status(process, name) for name in ("SigCgt", "SigIgn")] if process else [""]
    if not all(masks):
        return ""
    caught, ignored = (int(mask, 16) & bit for mask in masks)
    if number in (signal.SIGKILL, signal.SIGSTOP):
        return "none"
    return "handled" if caught else "ignored" if ignored else "none"
