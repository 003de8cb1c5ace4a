"""What compose makes of a file, in a few lines: `${…}` replaced in values, as its specification says."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from ferrule.generate import compose
from ferrule.generate.service import Service

NAME = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?])(.*))?\})", re.DOTALL)


def composed(service: Service, env: Mapping[str, str]) -> dict[str, Any]:
    """The generated file as compose has it; `ValueError` for what it says about a missing variable."""
    found: dict[str, Any] = _replaced(yaml.safe_load(compose.drafts(service)[0].text), env)
    return found


def _replaced(node: Any, env: Mapping[str, str]) -> Any:
    match node:
        case dict():
            return {key: _replaced(value, env) for key, value in node.items()}
        case list():
            return [_replaced(value, env) for value in node]
        case str():
            return replaced(node, env)
    return node


def replaced(text: str, env: Mapping[str, str]) -> str:
    """The text with the variables' values in it."""
    out, place = "", 0
    while (found := text.find("$", place)) >= 0:
        out += text[place:found]
        if text[found + 1] == "$":
            out, place = out + "$", found + 2
            continue
        end = _closing(text, found)
        out, place = out + _value(text[found + 2 : end], env), end + 1
    return out + text[place:]


def _closing(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if text[place] == "}" and depth == 0:
            return place
    raise ValueError(f"no end in {text!r}")


def _value(inside: str, env: Mapping[str, str]) -> str:
    match = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?)([-?])(.*))?", inside, re.DOTALL)
    assert match is not None, inside
    name, colon, form, rest = match.groups()
    value = env.get(name)
    if value is not None and (value or not colon):
        return value
    if form == "?":
        raise ValueError(f"{name}: {rest}")
    return replaced(rest or "", env)
