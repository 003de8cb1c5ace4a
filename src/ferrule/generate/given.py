"""What a service is given where it runs and has not in its image: variables and volumes, with names."""

import re

import msgspec

from ferrule.generate.service import LONGEST_LABEL, Service


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A variable without a value in the image, and the name that a store of secrets keeps it by.

    `key` is of letters, digits, `-`, `_` and `.`, as every store takes it.
    """

    name: str
    key: str
    required: bool


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that can be written, and a DNS label for it. None is called `tmp`."""

    name: str
    path: str


def variables_of(service: Service) -> tuple[Given, ...]:
    """What is required or secret, and the database's URL. The others have defaults, or are not needed."""
    found = {
        each.name: Given(name=each.name, key=_key(each.name), required=each.required)
        for each in service.contract
        if each.required or each.secret
    }
    if service.database is not None:
        url = service.database.url_env
        found[url] = Given(name=url, key=_key(url), required=True)
    return tuple(found.values())


def volumes_of(service: Service) -> tuple[Volume, ...]:
    """Each with a name of its own, made of its path."""
    found: dict[str, Volume] = {}
    for path in service.volumes:
        plain = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[: LONGEST_LABEL - 4].strip("-") or "data"
        name = plain if plain not in {*found, "tmp"} else f"{plain}-{len(found) + 1}"
        found[name] = Volume(name=name, path=path)
    return tuple(found.values())


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)
