"""The contract as lines of Cargo.toml."""

import json
from collections.abc import Iterator
from typing import Any

from ferrule.contract import Variable
from ferrule.verbs.env import Scanned

ENV_TABLE = "[package.metadata.ferrule.env]"
MARKS = ("required", "secret")
TEXTS = ("default", "type", "pattern", "example", "doc")


def env_lines(found: Scanned) -> Iterator[tuple[str, str]]:
    """The table's head and a line for each proposed variable, each with the places that read it."""
    if found.proposed:
        yield ENV_TABLE, ""
    for variable in found.proposed:
        yield f"{_key(variable.name)} = {_value(variable)}", ", ".join(found.places[variable.name])


def variable_json(variable: Variable) -> dict[str, Any]:
    """What is known of a variable, by the keys of the table."""
    marks = {key: True for key in MARKS if getattr(variable, key)}
    texts = {key: getattr(variable, key) for key in TEXTS if getattr(variable, key) is not None}
    return {"name": variable.name, **marks, **texts}


def _value(variable: Variable) -> str:
    """A plain default, or a table in braces."""
    said = variable_json(variable)
    del said["name"]
    if set(said) == {"default"}:
        return toml_string(said["default"])
    pairs = (f"{key} = {'true' if value is True else toml_string(value)}" for key, value in said.items())
    return f"{{ {', '.join(pairs)} }}" if said else "{}"


def toml_string(text: str) -> str:
    """A basic string. TOML's escapes are those of JSON, but for pairs of surrogates."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else toml_string(name)
