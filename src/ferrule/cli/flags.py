"""The flags that verbs share, in groups."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ferrule.capability import parse_capability
from ferrule.cli.types import ENGINES, MEMORY, Parsed
from ferrule.values import (
    parse_env,
    parse_file,
    parse_folder,
    parse_glibc,
    parse_label,
    parse_library,
    parse_migrations,
    parse_mirror,
    parse_output,
    parse_port,
    parse_signal,
    parse_size,
    parse_user,
    parse_volume,
)

F = TypeVar("F", bound=Callable[..., Any])

PROJECT = click.argument("project", default=".", type=click.Path(path_type=Path))


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """A flag that the environment may set too: `--link` is FERRULE_LINK."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "FERRULE_" + long.removeprefix("--").upper().replace("-", "_")
    return click.option(*names, envvar=variable, show_envvar=False, **settings)


def parse_base(text: str) -> object:
    """What `--base` takes, with its parser imported when it is needed."""
    from ferrule.verbs import prepare

    return prepare.parse_base(text)


def _parse_donor(text: str) -> object:
    from ferrule.verbs.prepare import parse_donor

    return parse_donor(text)


def _parse_health_path(text: str) -> object:
    from ferrule.health import parse_health_path

    return parse_health_path(text)


def _parse_image(text: str) -> object:
    from ferrule.verbs.prepare import parse_repository

    return parse_repository(text)


def _read_env_file(text: str) -> object:
    from ferrule.engine.variables import read_env_file

    return read_env_file(text)


def _parse_platforms(text: str) -> object:
    from ferrule.verbs.targets import parse_platforms

    return parse_platforms((text,))


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

ALL = click.option(
    "--all",
    "all_binaries",
    is_flag=True,
    help="An image for each binary: of --package, or of the workspace's default members.",
)

BUILD_FLAGS = (
    option(
        "--link", type=click.Choice(["auto", "static", "dynamic", "musl"]), help="How the program is linked."
    ),
    option(
        "--allocator",
        type=click.Choice(["auto", "system", "mimalloc"]),
        help="What gives the program its memory.  [default: auto, mimalloc with musl]",
    ),
    option(
        "--platform",
        multiple=True,
        type=Parsed("OS/ARCH[,OS/ARCH]", _parse_platforms, raw=True),
        help="What the image is for; several make an index.  [default: this machine's]",
    ),
    option(
        "--glibc",
        type=Parsed("VERSION", parse_glibc, raw=True),
        help="The oldest glibc that a dynamic program is to run with.",
    ),
    option(
        "--optimize", type=click.Choice(["speed", "size", "off"]), help="What ferrule adds to the profile."
    ),
    option(
        "--include-bin",
        multiple=True,
        metavar="NAME",
        help="A further binary of the workspace for the same image, beside the program.",
    ),
)

ENV_FLAGS = (
    click.option(
        "--env", "-e", multiple=True, type=Parsed("NAME=VALUE", parse_env), help="A variable of the image."
    ),
)

ALLOW_SECRET = option(
    "--allow-secret",
    multiple=True,
    metavar="NAME",
    help="A variable or label that may look like a secret, such as a development URL.",
)

IMAGE_FLAGS = (
    option(
        "--base",
        type=Parsed("BASE", parse_base, raw=True),
        help="What it stands on: auto, scratch, fitted, distroless, debian, an image, or oci:DIR[:TAG].",
    ),
    option(
        "--donor",
        type=Parsed("IMAGE", _parse_donor, raw=True),
        help="The image whose libraries a fitted base gets.  [default: this machine's]",
    ),
    option(
        "--library",
        multiple=True,
        type=Parsed("NAME", parse_library, raw=True),
        help="A library that the program opens by name: a soname, or a path.",
    ),
    click.option("--arg", multiple=True, metavar="ARG", help="A default argument of the program."),
    click.option(
        "--label", multiple=True, type=Parsed("KEY=VALUE", parse_label), help="A label of the image."
    ),
    option(
        "--user",
        type=Parsed("UID[:GID]", parse_user, raw=True),
        help="The user that runs it.  [default: 65532:65532]",
    ),
    option(
        "--workdir",
        type=Parsed("DIR", parse_folder, raw=True),
        help="The folder it starts in.  [default: /app]",
    ),
    option("--port", multiple=True, type=Parsed("PORT", parse_port, raw=True), help="A port it listens on."),
    option(
        "--health",
        type=Parsed("PATH", _parse_health_path),
        help="The HTTP path that says whether it is well.",
    ),
    option(
        "--stop-signal",
        type=Parsed("SIGNAL", parse_signal, raw=True),
        help="The signal that asks it to end.  [default: SIGTERM]",
    ),
    option(
        "--init/--no-init",
        default=None,
        help="Put a process 1 before it that hands signals on and reaps.",
    ),
    option(
        "--capability",
        multiple=True,
        type=Parsed("NAME", parse_capability),
        help="What its file may do beyond its user, like NET_BIND_SERVICE.",
    ),
    option(
        "--volume",
        multiple=True,
        type=Parsed("DIR", parse_volume, raw=True),
        help="A folder that --user owns, for data that outlives the container.",
    ),
    option(
        "--file",
        multiple=True,
        type=Parsed("FROM:TO", parse_file, raw=True),
        help="Files to put into the image: a file, a folder, or a pattern.",
    ),
    option(
        "--migrations",
        type=Parsed("DIR", parse_migrations),
        help="Migrations to take along to /app/migrations.",
    ),
    click.option("--no-migrations", is_flag=True, help="Leave out migrations that were found."),
    ALLOW_SECRET,
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
    option("--engine", type=ENGINES, help="For --load; auto is the first that is there.  [default: docker]"),
    click.option(
        "--output",
        "-o",
        multiple=True,
        type=Parsed("DEST", parse_output),
        help="Where to write it: oci:DIR[:TAG], docker-archive:FILE or binary:FILE; {bin} is filled in.",
    ),
    option(
        "--verify/--no-verify",
        default=None,
        help="Boot the image first, as `ferrule verify` does, or leave that out.",
    ),
    option(
        "--verify-engine",
        type=ENGINES,
        default="auto",
        help="Where --verify boots it.  [default: auto]",
    ),
    option(
        "--verify-network",
        type=click.Choice(["none", "host"]),
        default="none",
        help="Its network there: loopback alone, or this machine's.  [default: none]",
    ),
    option(
        "--verify-memory",
        type=Parsed("SIZE", parse_size),
        default=MEMORY,
        help=f"What it may use there.  [default: {MEMORY}]",
    ),
    click.option(
        "--verify-env-file",
        multiple=True,
        type=Parsed("FILE", _read_env_file),
        help="Variables for --verify, one a line. None of them goes into the image.",
    ),
)

TRUST_FLAGS = (
    option(
        "--mirror",
        multiple=True,
        type=Parsed("HOST=MIRROR", parse_mirror),
        help="Read the images of HOST from MIRROR.",
    ),
    option(
        "--insecure", multiple=True, metavar="HOST", help="Let this registry have no TLS, or any certificate."
    ),
)

VERBOSE = click.option("-v", "--verbose", count=True, help="Say more.")
CARGO_VERBOSE = click.option("-v", "--verbose", count=True, help="Say more; twice for cargo too.")
JSON = click.option("--json", "as_json", is_flag=True, help="The result as JSON.")


def with_flags(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Add groups of flags to a command, in their order."""

    def decorate(function: F) -> F:
        for flag in reversed([flag for group in groups for flag in group]):
            function = flag(function)
        return function

    return decorate
