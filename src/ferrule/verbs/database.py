"""The database that `run` and `verify` start beside a program: needs of a project go in, a URL comes out."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec.structs import replace

from ferrule.config import Settings
from ferrule.database import Database
from ferrule.engine.choose import Choice, choose
from ferrule.engine.engine import Engine, RunRequest
from ferrule.errors import EngineError
from ferrule.verbs.context import Context
from ferrule.verbs.verdict import Check

if TYPE_CHECKING:
    from ferrule.engine.database import Server

MIGRATE_SECONDS = 300.0
PAUSE = 0.01


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be there before a program starts: a database, and what makes the program migrate it."""

    database: Database | None = None
    migrate: tuple[str, ...] = ()

    def without(self, given: set[str]) -> "Needs":
        """What is left where somebody has a database of his own, whose URL is in that variable."""
        return Needs() if self.database is not None and self.database.url_env in given else self


NOTHING = Needs()


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """How a migration ended; `code` is None when it took longer than it may, and was ended."""

    code: int | None
    seconds: float

    def __str__(self) -> str:
        if self.code is None:
            return f"the migration did not end within {self.seconds:.0f} s"
        return f"the migration ended after {self.seconds:.2f} s with exit code {self.code}"


def needs_of(settings: Settings) -> Needs:
    """Of a project. Without a database there is nothing of ours to migrate."""
    if settings.database is None:
        return Needs()
    return Needs(database=settings.database, migrate=settings.migrate or ())


def choose_for(name: str, needs: Needs, warn: Callable[[str], None]) -> Choice:
    """The engine for `--engine`, which must have the database; `auto` is the sandbox where Docker has not.

    Raises `EngineError` where there is none. No image is pulled for it.
    """
    from ferrule.engine.sandbox import Sandbox

    choice, database = choose(name, warn), needs.database
    loader = choice.engine.loader
    if database is None or loader is None or loader.has(database.image):
        return choice
    from ferrule.engine.embedded import find_programs

    lacks = f"{choice.engine.name} has no image {database.image}"
    if name == "auto" and find_programs(database.major):
        return Choice(engine=Sandbox(warn=warn), reason=f"{lacks} for the database")
    raise EngineError(
        f"{lacks} for the database",
        hint=f"{choice.engine.name} pull {database.image}, use --engine sandbox, or give {database.url_env}",
    )


@contextmanager
def beside(context: Context, engine: Engine, request: RunRequest, needs: Needs) -> Iterator[RunRequest]:
    """The same program with its database beside it, which ends with the block; nothing is migrated yet."""
    if needs.database is None:
        yield request
        return
    with ExitStack() as stack:
        with context.report.step(f"starting {needs.database}"):
            server = stack.enter_context(_server(engine, request, needs.database))
        _tell(context, server, needs.database)
        name = needs.database.url_env
        if any(given == name for given, _ in request.env):
            context.report.warn(f"{name} of yours is not used: --network host reaches its database")
        yield replace(
            request,
            env=(*(pair for pair in request.env if pair[0] != name), (name, server.url)),
            # Who shares a network has no ports of its own: those are the other's.
            ports=() if server.network_of else request.ports,
            network_of=server.network_of,
        )


def _server(engine: Engine, request: RunRequest, database: Database) -> AbstractContextManager["Server"]:
    from ferrule.engine.database import ALONE, PORT, container_server, free_port
    from ferrule.engine.embedded import embedded_server, find_programs

    strict = request.strict
    network = request.network if strict is None else strict.network
    port = PORT if network == ALONE else free_port()
    if engine.loader is not None:
        return container_server(engine, database.image, port, network=network, ports=request.ports)
    programs = find_programs(database.major)
    if programs is None:
        raise EngineError(
            f"there is no Postgres here to run beside the program, which needs {database}",
            hint=f"pipx inject ferrule 'ferrule[testdb]', or give {database.url_env} and --network host",
        )
    return embedded_server(programs, port, alone=network == ALONE)


def _tell(context: Context, server: "Server", database: Database) -> None:
    context.report.say(f"database: Postgres {server.version} {server.where}, url in {database.url_env}")
    if server.version.partition(".")[0] != database.major:
        context.report.warn(f"the database is Postgres {server.version}, and the project asks for {database}")


def migrate(
    engine: Engine, request: RunRequest, arguments: tuple[str, ...], output: tuple[BinaryIO, BinaryIO]
) -> Migrated:
    """Let the program migrate, as it runs otherwise; what it writes goes to the two streams."""
    started = time.monotonic()
    job = replace(request, args=arguments, ports=())
    with engine.start(job, stdout=output[0], stderr=output[1]) as running:
        while not running.ended() and time.monotonic() - started < MIGRATE_SECONDS:
            time.sleep(PAUSE)
        code = running.wait() if running.ended() else None
    return Migrated(code=code, seconds=time.monotonic() - started)


MIGRATE_HINT = "its last lines may say why; `migrate` in Cargo.toml has its arguments"


def migration_check(migrated: Migrated) -> tuple[Check, ...]:
    """As a part of a verdict."""
    ok = migrated.code == 0
    values = {"seconds": round(migrated.seconds, 3), "code": migrated.code}
    return (Check(name="migrate", ok=ok, said=str(migrated), hint="" if ok else MIGRATE_HINT, values=values),)
