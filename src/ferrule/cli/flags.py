"""The flags that verbs share, and the values made of them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ferrule.cli.types import Parsed
from ferrule.values import (
    parse_env,
    parse_file,
    parse_label,
    parse_mirror,
    parse_output,
    parse_port,
    parse_user,
)

if TYPE_CHECKING:
    from ferrule.cargo.plan import CargoOptions
    from ferrule.config import Source
    from ferrule.verbs.context import Context
    from ferrule.verbs.deliver import Destinations
    from ferrule.verbs.prepare import ProjectRequest

F = TypeVar("F", bound=Callable[..., Any])

PROJECT = click.argument("project", default=".", type=click.Path(path_type=Path))


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """A flag that the environment may set too: `--link` is FERRULE_LINK."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "FERRULE_" + long.removeprefix("--").upper().replace("-", "_")
    return click.option(*names, envvar=variable, show_envvar=False, **settings)


def _parse_base(text: str) -> object:
    from ferrule.verbs.prepare import parse_base

    return parse_base(text)


def _parse_image(text: str) -> object:
    from ferrule.verbs.prepare import parse_repository

    return parse_repository(text)


CARGO_FLAGS = (
    click.option("-p", "--package", metavar="NAME", help="The package of the workspace."),
    click.option("--bin", "binary", metavar="NAME", help="The binary of the package."),
    click.option("-F", "--features", multiple=True, metavar="FEATURES", help="Features to turn on."),
    click.option("--all-features", is_flag=True, help="Turn all features on."),
    click.option("--no-default-features", is_flag=True, help="Leave the default features off."),
    click.option("--profile", metavar="NAME", default="release", help="cargo's profile.  [default: release]"),
    click.option(
        "-r", "--release", "release", is_flag=True, help="The release profile, which is the default."
    ),
    click.option("--allow-debug", is_flag=True, help="Allow --profile dev."),
    click.option("--locked", is_flag=True, help="Cargo.lock must not change."),
    click.option("--offline", is_flag=True, help="cargo must not use the network."),
    click.option("--frozen", is_flag=True, help="Both --locked and --offline."),
    click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="How many jobs cargo runs."),
)

IMAGE_FLAGS = (
    option("--link", type=click.Choice(["auto", "static", "dynamic"]), help="How the program is linked."),
    option(
        "--base",
        type=Parsed("BASE", _parse_base, raw=True),
        help="auto, scratch, fitted, distroless, debian, an image, or oci:DIR[:TAG].",
    ),
    option(
        "--optimize", type=click.Choice(["speed", "size", "off"]), help="What ferrule adds to the profile."
    ),
    click.option(
        "--env", "-e", multiple=True, type=Parsed("NAME=VALUE", parse_env), help="A variable of the image."
    ),
    click.option(
        "--label", multiple=True, type=Parsed("KEY=VALUE", parse_label), help="A label of the image."
    ),
    option(
        "--user", type=Parsed("UID[:GID]", parse_user, raw=True), help="Who runs it.  [default: 65532:65532]"
    ),
    option("--port", multiple=True, type=Parsed("PORT", parse_port, raw=True), help="A port it listens on."),
    option(
        "--file",
        multiple=True,
        type=Parsed("FROM:TO", parse_file, raw=True),
        help="A file or folder to take along.",
    ),
)

DESTINATION_FLAGS = (
    option(
        "--image",
        type=Parsed("REPOSITORY", _parse_image, raw=True),
        help="The image's repository, like ghcr.io/acme/shop.",
    ),
    option(
        "--tag",
        "-t",
        multiple=True,
        metavar="TAG",
        help="A tag; {version} and {commit} are filled in.  [default: latest]",
    ),
    click.option("--push", is_flag=True, help="Push the image to its registry."),
    click.option("--load", is_flag=True, help="Load the image into a container engine."),
    option(
        "--engine", type=click.Choice(["docker", "podman"]), help="The engine for --load.  [default: docker]"
    ),
    click.option(
        "--output",
        "-o",
        multiple=True,
        type=Parsed("DEST", parse_output),
        help="oci:DIR[:TAG], docker-archive:FILE or binary:FILE.",
    ),
)

TRUST_FLAGS = (
    option(
        "--mirror",
        multiple=True,
        type=Parsed("HOST=HOST", parse_mirror),
        help="Ask another registry for a host's images.",
    ),
    option(
        "--insecure", multiple=True, metavar="HOST", help="A registry without TLS, or with any certificate."
    ),
)

VERBOSE = click.option("-v", "--verbose", count=True, help="Say more; twice for cargo too.")
JSON = click.option("--json", "as_json", is_flag=True, help="The result as JSON.")


def with_flags(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Add groups of flags to a command, in their order."""

    def decorate(function: F) -> F:
        for flag in reversed([flag for group in groups for flag in group]):
            function = flag(function)
        return function

    return decorate


def cargo_options(given: dict[str, Any]) -> "CargoOptions":
    """The flags that go to cargo. Raises a usage error for the dev profile: see `--allow-debug`."""
    from ferrule.cargo.plan import CargoOptions

    profile = given["profile"]
    if given["release"] and profile != "release":
        raise click.UsageError(f"--release and --profile {profile} contradict each other")
    if profile in ("dev", "debug") and not given["allow_debug"]:
        error = click.UsageError("the dev profile makes programs ten to a hundred times slower")
        error.hint = "leave out --profile, or add --allow-debug if you mean it"  # type: ignore[attr-defined]  # read by main
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
        verbose=max(0, given["verbose"] - 1),
    )


def flag_source(given: dict[str, Any]) -> "Source":
    """The flags about the image as the strongest source of settings."""
    from ferrule.config import Source, Table

    table = Table(
        image=given.get("image"),
        link=given["link"],
        base=given["base"],
        optimize=given["optimize"],
        ports=given["port"] or None,
        files=given["file"] or None,
        user=given["user"],
        env=dict(given["env"]) or None,
        labels=dict(given["label"]) or None,
    )
    return Source(table=table, origin="flags")


def make_context(given: dict[str, Any]) -> "Context":
    """The world that a verb works in: terminal, programs, cache, and whom the user trusts."""
    from ferrule.process import SystemRunner
    from ferrule.report import Terminal
    from ferrule.verbs.context import Context, cache_folder, source_date_epoch, trust_of

    return Context(
        runner=SystemRunner(),
        report=Terminal(verbose=given["verbose"] > 0),
        cache=cache_folder(),
        trust=trust_of(dict(given.get("mirror", ())), frozenset(given.get("insecure", ()))),
        created=source_date_epoch(),
        colour=sys.stderr.isatty(),
    )


def project_request(given: dict[str, Any]) -> "ProjectRequest":
    """What the command line says about the project."""
    from ferrule.verbs.prepare import ProjectRequest

    return ProjectRequest(
        place=given["project"],
        package=given["package"],
        binary=given["binary"],
        cargo=cargo_options(given),
        flags=flag_source(given),
    )


def destinations_of(given: dict[str, Any]) -> "Destinations":
    """Where the image is to go."""
    from ferrule.verbs.deliver import Destinations

    if given["engine"] and not given["load"]:
        raise click.UsageError("--engine goes with --load")
    return Destinations(
        push=given["push"], load=given["load"], engine=given["engine"] or "docker", outputs=given["output"]
    )
