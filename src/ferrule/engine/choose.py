"""The engine for `--engine`: a name goes in, an engine that is there comes out."""

import os
from collections.abc import Callable

import msgspec

from ferrule.engine.engine import Engine, Loader
from ferrule.errors import EngineError, UsageError
from ferrule.folders import home_folder


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """An engine, and why it was chosen: empty where it was asked for by name."""

    engine: Engine
    reason: str = ""


def choose(name: str, warn: Callable[[str], None] = lambda _: None) -> Choice:
    """The engine for `--engine`: `docker`, `podman`, `sandbox`, or `auto`, docker where it answers.

    `warn` hears later what a program does not get from it.

    `auto` is never podman: that it is installed does not say that it can run something here, and the
    sandbox starts sooner. Raises `EngineError` for an engine that is not there, `UsageError` for another
    name.
    """
    if name == "docker":
        from ferrule.engine.docker import find_docker

        try:
            return Choice(engine=find_docker())
        except EngineError as error:
            hint = ", or ".join(filter(None, (error.hint, "use --engine sandbox")))
            raise EngineError(error.message, hint=hint) from error
    if name == "podman":
        from ferrule.engine.podman import find_podman

        return Choice(engine=find_podman())
    if name == "sandbox":
        return Choice(engine=_sandbox(warn))
    if name == "auto":
        try:
            docker = _docker_that_answers()
        except EngineError as error:
            return Choice(engine=_sandbox(warn), reason=error.message)
        return Choice(engine=docker, reason="Docker answers here")
    raise UsageError(f"images do not run with {name!r} here", hint="choose docker, podman, sandbox or auto")


def _docker_that_answers() -> Engine:
    """To find out that there is none takes a socket, and not all of what Docker is spoken to with."""
    from ferrule.engine.docker_address import find_address, knock

    knock(find_address(os.environ, home_folder()))
    from ferrule.engine.docker import find_docker

    return find_docker()


def _sandbox(warn: Callable[[str], None]) -> Engine:
    from ferrule.engine.sandbox import Sandbox

    return Sandbox(warn=warn)


def engines_here(name: str) -> tuple[Engine, ...]:
    """Where a program may have been started: the engine of that name, or for `auto` all that are there."""
    from ferrule.engine.docker import find_docker
    from ferrule.engine.podman import Podman, has_podman
    from ferrule.engine.sandbox import Sandbox

    if name == "docker":
        return (find_docker(),)
    if name != "auto":
        return (choose(name).engine,)
    docker = find_docker(required=False)
    return (Sandbox(), *((docker,) if docker else ()), *((Podman(),) if has_podman() else ()))


def choose_loader(name: str) -> Loader:
    """The engine for `--load --engine`: `docker`, `podman`, or `auto`, the first of them that is there."""
    from ferrule.engine.docker import find_docker
    from ferrule.engine.podman import Podman, has_podman

    if name == "docker":
        try:
            return find_docker()
        except EngineError as error:
            hint = f"{error.hint}, or use --engine podman" if has_podman() else error.hint
            raise EngineError(error.message, hint=hint) from error
    if name == "podman":
        return Podman()
    if name == "auto":
        docker = find_docker(required=not has_podman())
        return docker or Podman()
    raise UsageError(f"images cannot be loaded into {name!r}", hint="choose docker or podman")
