"""What a command line said, as the values that verbs take."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ferrule.atomic import is_there
from ferrule.errors import RegistryError, UsageError

if TYPE_CHECKING:
    from ferrule.cargo.plan import CargoOptions
    from ferrule.tables import Source
    from ferrule.verbs.context import Context
    from ferrule.verbs.deliver import Destinations
    from ferrule.verbs.prepare import ProjectRequest


def cargo_options(given: dict[str, Any]) -> "CargoOptions":
    """The flags that go to cargo. Raises a usage error for the dev profile: see `--allow-debug`."""
    from ferrule.cargo.plan import CargoOptions

    profile = given["profile"]
    if given["release"] and profile != "release":
        raise click.UsageError(f"--release and --profile {profile} contradict each other")
    if profile in ("dev", "debug", "test") and not given["allow_debug"]:
        error = click.UsageError(f"the {profile} profile makes programs ten to a hundred times slower")
        error.hint = "leave out --profile, or add --allow-debug if you mean it"  # type: ignore[attr-defined]  # read by app
        raise error
    return CargoOptions(
        profile="dev" if profile == "debug" else profile,
        features=given["features"],
        all_features=given["all_features"],
        no_default_features=given["no_default_features"],
        locked=given["locked"],
        offline=given["offline"],
        frozen=given["frozen"],
        jobs=given["jobs"],
        # Not more: at its second -v cargo shows variables, those of its [env] with their values too.
        verbose=int(given["verbose"] > 1),
    )


def flag_source(given: dict[str, Any]) -> "Source":
    """The flags about the image as the strongest source of settings."""
    from ferrule.tables import FLAGS, Source, Table

    table = Table(
        image=given.get("image"),
        link=given.get("link"),
        allocator=given.get("allocator"),
        platforms=given.get("platform") or None,
        glibc=given.get("glibc"),
        base=given["base"],
        donor=given["donor"],
        libraries=given["library"] or None,
        optimize=given.get("optimize"),
        args=given["arg"] or None,
        ports=given["port"] or None,
        health={"path": given["health"]} if given["health"] else None,
        files=given["file"] or None,
        migrations=False if given["no_migrations"] else given["migrations"],
        volumes=given["volume"] or None,
        workdir=given["workdir"],
        user=given["user"],
        stop_signal=given["stop_signal"],
        init=given["init"],
        capabilities=given["capability"] or None,
        include_bins=given.get("include_bin") or None,
        env=dict(given["env"]) or None,
        labels=dict(given["label"]) or None,
    )
    return Source(table=table, origin=FLAGS)


def make_context(given: dict[str, Any]) -> "Context":
    """The world that a verb works in: terminal, programs, cache, and whom the user trusts."""
    from ferrule.folders import cache_folder
    from ferrule.process import SystemRunner
    from ferrule.report import Terminal
    from ferrule.verbs.context import Context, cache_limit, source_date_epoch, trust_of

    click_context = click.get_current_context()
    context = Context(
        runner=click_context.obj or SystemRunner(),
        report=Terminal(verbose=given["verbose"] > 0),
        cache=cache_folder(),
        cache_limit=cache_limit(),
        trust=trust_of(dict(given.get("mirror", ())), frozenset(given.get("insecure", ()))),
        created=source_date_epoch(),
        colour=sys.stderr.isatty(),
    )
    click_context.call_on_close(context.close)
    return context


def project_request(given: dict[str, Any]) -> "ProjectRequest":
    """What the command line says about the project."""
    from ferrule.verbs.prepare import ProjectRequest

    return ProjectRequest(
        place=given["project"],
        package=given["package"],
        binary=given["binary"],
        cargo=cargo_options(given),
        flags=flag_source(given),
        allow_secrets=given["allow_secret"],
    )


def project_at(what: str) -> Path | None:
    """The project that PROJECT|IMAGE means: whatever is there; None for an image.

    Raises `UsageError` for what can only be a path, and of nothing.
    """
    if is_there(Path(what)):
        return Path(what)
    if what.startswith(("/", ".", "~")):
        # Who comes from docker types -v for what is --mount in `run`.
        is_mount = ":" in what
        hint = "give the folder of a Cargo project, or an image"
        raise UsageError(f"there is no {what}", hint="--mount is for folders" if is_mount else hint)
    return None


def is_for_all(given: dict[str, Any]) -> bool:
    """Whether every binary is meant. Raises a usage error where one is named too."""
    if given["all_binaries"] and given["binary"] is not None:
        error = click.UsageError("--all and --bin contradict each other")
        error.hint = "leave one of them out; --all goes with --package"  # type: ignore[attr-defined]  # read by app
        raise error
    return bool(given["all_binaries"])


def destinations_of(given: dict[str, Any]) -> "Destinations":
    """Where the image is to go."""
    from ferrule.verbs.deliver import Destinations, Gate

    source = click.get_current_context().get_parameter_source("engine")
    if source is ParameterSource.COMMANDLINE and not given["load"]:  # a variable may be meant for `run`
        raise click.UsageError("--engine goes with --load")
    gate = Gate(
        wanted=given["verify"],
        engine=given["verify_engine"],
        host_network=given["verify_network"] == "host",
        memory=given["verify_memory"],
        env=tuple(dict(pair for file in given["verify_env_file"] for pair in file).items()),
    )
    return Destinations(
        push=given["push"],
        load=given["load"],
        engine=given["engine"] or "docker",
        outputs=given["output"],
        gate=gate,
    )


@contextmanager
def perhaps_a_folder(what: str) -> Iterator[None]:
    """A plain word that no registry knows may have been meant for a folder: then the hint says so."""
    try:
        yield
    except RegistryError as error:
        if re.fullmatch(r"[\w.-]+", what):
            raise RegistryError(
                error.message, hint=f"{error.hint}; there is no folder {what} here"
            ) from error
        raise
