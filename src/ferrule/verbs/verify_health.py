"""How an image says that it is well: its configuration goes in, a question comes out; and its answers."""

import json
from collections.abc import Mapping

import msgspec

from ferrule.engine.ask_inside import ask_inside
from ferrule.engine.inside import Inside
from ferrule.engine.sockets import Socket
from ferrule.oci.image_config import RunConfig
from ferrule.values import Port
from ferrule.verbs.run_config import HEALTH_LIVE, HEALTH_PATH, HEALTH_PORT, SECOND

CHECK_SECONDS = 5.0
SHELL = ("/bin/sh", "-c")
LONGEST_LINE = 300


class HealthSource(msgspec.Struct, frozen=True, kw_only=True):
    """The image's own check, `command`, run inside; else the `path` of its labels; else the declared `ports`.

    `live` is the label's second path, which says that it need not be started anew.

    `seconds` is what one check may take. With none of all, a program is well as long as it runs.
    """

    command: tuple[str, ...] = ()
    path: str | None = None
    port: int | None = None
    live: str | None = None
    ports: tuple[Port, ...] = ()
    seconds: float = CHECK_SECONDS
    start_period: float | None = None

    def __str__(self) -> str:
        if self.command:
            return f"the check {' '.join(self.command)}"
        if self.path:
            return f"GET {self.path} on port {self.port}"
        return f"it listens on {', '.join(map(str, self.ports))}" if self.ports else "it runs"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `said` are its own words in a line, `body` all of them."""

    healthy: bool
    said: str = ""
    body: str = ""


def health_source(run: RunConfig, ports: tuple[Port, ...]) -> HealthSource:
    """From the image's configuration."""
    labels = run.labels or {}
    number = labels.get(HEALTH_PORT, "")
    port = int(number) if number.isascii() and number.isdigit() else None
    path = labels.get(HEALTH_PATH) if port is not None else None
    check = run.healthcheck
    kind, words = (check.test[0], check.test[1:]) if check is not None and check.test else ("", ())
    return HealthSource(
        command={"CMD": words, "CMD-SHELL": (*SHELL, *words)}.get(kind, ()),
        path=path,
        port=port,
        live=labels.get(HEALTH_LIVE) if port is not None else None,
        ports=ports,
        seconds=check.timeout / SECOND if check is not None and check.timeout else CHECK_SECONDS,
        start_period=check.start_period / SECOND if check is not None and check.start_period else None,
    )


def ask(inside: Inside, source: HealthSource, sockets: tuple[Socket, ...] | None, running: float) -> Asked:
    """Whether it is well now; it has been `running` for so many seconds."""
    if source.command:
        return _run(inside, source)
    if source.path is not None and source.port is not None:
        process = inside.process()
        answer = ask_inside(process, source.port, source.path) if process else None
        if answer is None:
            return Asked(healthy=False, said=f"nothing answers on port {source.port}")
        said = f"it answers {answer.status}: {_line(answer.body)}".removesuffix(": ")
        return Asked(healthy=200 <= answer.status < 400, said=said, body=answer.body)
    if sockets is None or not source.ports:
        return Asked(healthy=running > 1.0, said="it runs, and the image has no health check that says more")
    there = {(each.port, each.protocol) for each in sockets}
    missing = [str(port) for port in source.ports if (port.number, port.protocol) not in there]
    if missing:
        return Asked(healthy=False, said=f"nothing listens on {', '.join(missing)}")
    return Asked(healthy=True, said=str(source))


def ask_live(inside: Inside, source: HealthSource) -> Asked | None:
    """Whether the path for liveness answers; None without one, and where nothing can be asked from here."""
    process = inside.process()
    if source.live is None or source.port is None or not process:
        return None
    answer = ask_inside(process, source.port, source.live)
    if answer is not None:
        return Asked(healthy=200 <= answer.status < 400, said=f"GET {source.live} answers {answer.status}")
    if source.path is None or ask_inside(process, source.port, source.path) is None:
        return None
    return Asked(healthy=False, said=f"GET {source.live} has no answer, and GET {source.path} has one")


def _run(inside: Inside, source: HealthSource) -> Asked:
    executed = inside.execute(source.command, source.seconds)
    said = _line(executed.output)
    if executed.code is None:
        said = f"the check takes longer than {source.seconds:g} s" + (f": {said}" if said else "")
    elif executed.code:
        said = said or f"the check ends with exit code {executed.code} and says nothing"
    return Asked(healthy=executed.code == 0, said=said, body=executed.output)


def version_in(inside: Inside, source: HealthSource, asked: Asked | None) -> str | None:
    """The version that the health answer names, where it is JSON and ferrule can read it."""
    bodies = [asked.body] if asked is not None else []
    process = inside.process()
    if source.command and source.path is not None and source.port is not None and process:
        answer = ask_inside(process, source.port, source.path)
        bodies += [answer.body] if answer else []
    return next((version for version in map(_version, bodies) if version), None)


def _version(body: str) -> str | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    version = found.get("version") if isinstance(found, Mapping) else None
    return version if isinstance(version, str) else None


def _line(text: str) -> str:
    """The last line that is not blank: what came before is how it got there."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:LONGEST_LINE] if lines else ""
