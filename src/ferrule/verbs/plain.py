"""What stands in an image in plain words, for everybody who can pull it: nothing secret may."""

import os
from collections.abc import Iterator

from ferrule.config import Settings
from ferrule.contract import what_credential
from ferrule.errors import ProjectError

SHORTEST = 6
"""Characters of a secret's value below which it may stand anywhere by chance."""


def check_plain(settings: Settings, allowed: tuple[str, ...]) -> None:
    """Raise `ProjectError` for a variable, label, argument or health check that holds a secret.

    Unless its name is among those that are allowed.
    A secret is told by its form, by the variable's name, or because it is the value that a variable of the
    contract, a secret one, has here.
    """
    secrets = _secrets_here(settings)
    for name, origin, value in _plain_texts(settings):
        if name in allowed:
            continue
        what = what_credential(name if origin == "env" else "", value)
        what = what or next((f"the value of {secret}" for secret, text in secrets if text in value), None)
        if what:
            shown = ascii(name)[1:-1]
            raise ProjectError(
                f"{origin} {shown} looks like {what}, and everybody who can pull the image could read it",
                hint=f"give it where the image runs; if it is no secret, add --allow-secret {shown}",
            )


def _plain_texts(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Name, where it stands, value."""
    yield from ((name, "env", value) for name, value in settings.env.items())
    yield from ((name, "label", value) for name, value in settings.labels.items())
    yield from (("args", "the argument in", text) for text in settings.args)
    health = settings.health
    if health is not None:
        yield from (("health", "the command of", text) for text in health.command)
        yield from (("health", "a path of", text) for text in (health.path, health.live) if text)
        yield from (("health", "the header of", text) for text in (health.header,) if text)


def _secrets_here(settings: Settings) -> tuple[tuple[str, str], ...]:
    named = ((each.name, os.environ.get(each.name, "")) for each in settings.contract if each.secret)
    return tuple((name, value) for name, value in named if len(value) >= SHORTEST)
