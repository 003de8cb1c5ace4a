"""`compose.yaml`: the service, its migrations and its database on one machine; and the example of its `.env`.

Compose replaces `${…}` in values, never in keys: what is meant as it stands has `$$` for `$` in values.
"""

import re
from collections.abc import Iterator

from ferrule.contract import Variable
from ferrule.database import Database
from ferrule.generate import env
from ferrule.generate.service import Draft, Service
from ferrule.generate.template import Written, render
from ferrule.generate.yaml import yaml_text

KIND = "compose"
PATH = "compose.yaml"
MISSING = "copy .env.example to .env and fill it in"
TMP = "/tmp"  # noqa: S108 - the program's, not ours

DATA, OLD_DATA, MOVED = "/var/lib/postgresql", "/var/lib/postgresql/data", 18
"""Where Postgres' image keeps its data, where it did before, and the version that moved it."""

OPEN = frozenset(("NET_BIND_SERVICE",))
"""What no program needs in a network whose low ports are open to everybody."""

SHELLS = frozenset(("HOME", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "USER"))
"""Variables that every shell has for itself; compose asks the shell before it asks .env."""


def drafts(service: Service) -> tuple[Draft, ...]:
    """`compose.yaml` and `.env.example`."""
    database = _free("database", service.label) if service.database else None
    asked = tuple(variable for variable in _contract(service) if not _is_left_out(variable))
    text = render(
        PATH,
        service=service,
        image=service.reference,
        has_tmp=TMP not in service.volumes,
        opens_ports=bool(OPEN & set(service.capabilities)),
        gains=bool(set(service.capabilities) - OPEN),
        variables=[(variable.name, _value(variable, service, database)) for variable in asked],
        left_out=[variable.name for variable in _contract(service) if _is_left_out(variable)],
        volumes=tuple(_volumes(service)),
        migrate=_free("migrate", service.label) if service.migrate else None,
        database=database,
        postgres=service.database.image if service.database else None,
        data=_data(service.database) if service.database else None,
        settings=_settings(service),
    )
    return (Draft(kind=KIND, path=PATH, text=text), *env.drafts(service))


def _free(name: str, label: str) -> Written:
    """A name beside the service's own."""
    return Written(f"{name}-of-{label}" if name == label else name)


def _contract(service: Service) -> tuple[Variable, ...]:
    """The contract, and the database's URL where it does not speak of it."""
    url = service.database.url_env if service.database else None
    if url is None or any(variable.name == url for variable in service.contract):
        return service.contract
    return (*service.contract, Variable(name=url, required=True))


def _is_left_out(variable: Variable) -> bool:
    return variable.name in SHELLS and not variable.required


def _value(variable: Variable, service: Service, database: str | None) -> Written:
    """What stands behind the variable's colon: nothing hands it on from .env, where it may be missing."""
    if service.database and variable.name == service.database.url_env:
        return _written(f"${{{variable.name}:-{_url(service, database)}}}")
    default = variable.default
    if not env.is_name(variable.name):  # which `${…}` cannot hold
        return Written("") if default is None else _written(default.replace("$", "$$"))
    if variable.required:
        return _written(f"${{{variable.name}:?{MISSING}}}")
    if default is None:
        return Written("")
    escaped = default.replace("$", "$$")
    is_plain = re.search(r"[{}\r\n]", default) is None
    return _written(f"${{{variable.name}-{escaped}}}" if is_plain else escaped)


def _written(text: str) -> Written:
    return Written(f" {yaml_text(text)}")


def _settings(service: Service) -> dict[str, str]:
    """Postgres' own variables, as its image has them."""
    return {name: _asked(name, default) for name, default in env.postgres(service).items()}


def _asked(name: str, default: str | None) -> str:
    return f"${{{name}:-{default}}}" if default is not None else f"${{{name}:?{MISSING}}}"


def _url(service: Service, host: str | None) -> str:
    asked = _settings(service)
    user, password = asked["POSTGRES_USER"], asked["POSTGRES_PASSWORD"]
    return f"postgres://{user}:{password}@{host}/{asked['POSTGRES_DB']}"


def _data(database: Database) -> str:
    return DATA if int(database.major) >= MOVED else OLD_DATA


def _volumes(service: Service) -> Iterator[tuple[str, str]]:
    """A name for each folder, none twice, and the folder."""
    used = {"database", f"database-of-{service.label}"}
    for place in service.volumes:
        plain = re.sub(r"[^a-z0-9]+", "-", place.lower()).strip("-") or "volume"
        name = next(each for each in (plain, *(f"{plain}-{n}" for n in range(2, 1000))) if each not in used)
        used.add(name)
        yield name, place
