"""The database beside a program: the tables `database` and `migrate` go in, checked values come out."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ferrule.contract import Variable
from ferrule.errors import InvalidValueError

KINDS = ("postgres",)
KEYS = (*KINDS, "url-env")
HINT = 'write { postgres = "16" } or { postgres = "16", url-env = "APP_DATABASE_URL" }'
MIGRATE_HINT = 'write { args = ["migrate"] }, the arguments that make the program migrate'
VERSION = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?(?:-[a-z0-9.]+)?")
DEFAULT_NAME = "DATABASE_URL"


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """A Postgres of this version, `16` or a tag of its image such as `16.4-alpine`.

    `url_env` is the variable that the program reads its URL from.
    """

    version: str
    url_env: str = DEFAULT_NAME

    @property
    def major(self) -> str:
        """The part of the version that says what it can do."""
        return re.split(r"[.-]", self.version)[0]

    @property
    def image(self) -> str:
        """The image that engines have it from."""
        return f"postgres:{self.version}"

    @property
    def variable(self) -> Variable:
        """What the contract says of the URL where the project says nothing of it."""
        return Variable(name=self.url_env, required=True, secret=True, type="url", doc=f"{self}")

    def __str__(self) -> str:
        return f"Postgres {self.version}"


def parse_database(value: Mapping[str, Any]) -> Database:
    """`{ postgres = "16", url-env = "DATABASE_URL" }`. Raises `InvalidValueError`."""
    _check_keys(value, KEYS, "a database", HINT)
    version = value.get("postgres")
    if version is None:
        raise InvalidValueError("nothing says which database", hint=HINT)
    if not (isinstance(version, str) and VERSION.fullmatch(version)):
        raise InvalidValueError(f"postgres = {version!r} is not a version of Postgres", hint=HINT)
    name = value.get("url-env", DEFAULT_NAME)
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)):
        raise InvalidValueError(f"url-env = {name!r} is not the name of a variable", hint=HINT)
    return Database(version=version, url_env=name)


def parse_migrate(value: Mapping[str, Any]) -> tuple[str, ...]:
    """`{ args = ["migrate"] }`. Raises `InvalidValueError`."""
    _check_keys(value, ("args",), "migrate", MIGRATE_HINT)
    words = value.get("args")
    if not isinstance(words, list | tuple) or not words:
        raise InvalidValueError("migrate has no args", hint=MIGRATE_HINT)
    if not all(isinstance(word, str) and "\0" not in word for word in words):
        raise InvalidValueError("args is not a list of strings", hint=MIGRATE_HINT)
    return tuple(words)


def _check_keys(value: Mapping[str, Any], known: tuple[str, ...], of: str, example: str) -> None:
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}: {example}"
            raise InvalidValueError(f"{key!r} is no key of {of}", hint=hint)
