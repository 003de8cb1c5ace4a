"""Where the probe and the init lie in an image, and how they are called."""

from pathlib import PurePosixPath

from ferrule.health import Health

FOLDER = PurePosixPath("/.ferrule")
"""A folder of its own: no base has it, so that no link of a base leads elsewhere, and no volume hides it."""

PROBE = FOLDER / "probe"
INIT = FOLDER / "init"
SHARE = 0.9
"""Of the check's time, what the probe takes at most: an engine that has to end it keeps nothing it says."""


def probe_command(health: Health, port: int) -> tuple[str, ...]:
    """The probe's whole command line for a check that needs it."""
    options = ["-t", str(round(health.timeout * SHARE * 1000))]
    if health.expect is not None:
        options += ["-e", str(health.expect)]
    if health.header is not None:
        options += ["-H", health.header]
    scheme, path = ("http", health.path) if health.path is not None else ("tcp", "")
    return (str(PROBE), *options, f"{scheme}://localhost:{port}{path}")


def init_command(program: PurePosixPath) -> tuple[str, ...]:
    """An entry point with the init in front of the program."""
    return (str(INIT), "--", str(program))


def program_of(entrypoint: tuple[str, ...]) -> str:
    """The program that an entry point is about, behind the init where there is one; empty without any."""
    behind = entrypoint[2:] if entrypoint[:2] == (str(INIT), "--") else entrypoint
    return behind[0] if behind else ""
