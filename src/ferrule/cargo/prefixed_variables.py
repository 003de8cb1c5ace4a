"""Crates that read by a prefix, config and figment, and filters for logs that read one of another name."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ferrule.cargo.rust_items import Tokens, at, follows
from ferrule.cargo.rust_tokens import closing
from ferrule.cargo.rust_values import Constants

if TYPE_CHECKING:
    from ferrule.cargo.variables import Read, Source, Unclear

LOG_FILTERS = (("EnvFilter", "from_env"), ("EnvFilter", "try_from_env"), ("Builder", "from_env"))
OF_CONFIG = frozenset(
    ("prefix", "separator", "prefix_separator", "try_parsing", "list_separator", "ignore_empty")
)
"""Methods that tell the type of config from an `Environment` of one's own."""


def prefixes(source: "Source", index: int, known: Constants) -> "Iterator[Read | Unclear]":
    """What a call that begins at this word reads."""
    name, function = source.tokens[index].text, at(source.tokens, index + 2).text
    if (name, function) in LOG_FILTERS:
        yield from _filter(source, index + 3, known)
    elif name == "Environment":
        yield from _config(source, index, known)
    elif name == "Env":
        yield from _figment(source, index, known)


def methods_behind(tokens: Tokens, opening: int) -> tuple[dict[str, Tokens], dict[str, int]]:
    """The methods behind a call, each with its arguments, and with its line."""
    said, line = {}, {}
    index = closing(tokens, opening) + 1
    while follows(tokens, index, ".") and follows(tokens, index + 2, "("):
        name, end = at(tokens, index + 1).text, closing(tokens, index + 2)
        said[name], line[name] = tokens[index + 3 : end], tokens[index + 1].line
        index = end + 1
    return said, line


def _filter(source: "Source", opening: int, known: Constants) -> "Iterator[Read]":
    """`EnvFilter::from_env("APP_LOG")`: a variable in place of RUST_LOG."""
    from ferrule.cargo.variables import Read

    line = at(source.tokens, opening).line
    name = known.text(source.tokens[opening + 1 : closing(source.tokens, opening)], source.path)
    if name is not None and follows(source.tokens, opening, "("):
        yield Read(name=name, path=source.path, line=line, required=False)


def _config(source: "Source", index: int, known: Constants) -> "Iterator[Unclear]":
    """`Environment::with_prefix("APP").separator("__")` of config: which, only the shape of a type tells.

    What separates the words comes behind the prefix too, unless that has one of its own.
    """
    tokens = source.tokens
    if not follows(tokens, index + 1, "::") or not follows(tokens, index + 3, "("):
        return
    made = at(tokens, index + 2).text
    said, _ = methods_behind(tokens, index + 3)
    if made == "with_prefix":
        said["prefix"] = tokens[index + 4 : closing(tokens, index + 3)]
    elif made != "default" or not (follows(tokens, index - 2, "config", "::") or said.keys() & OF_CONFIG):
        return
    between = said.get("prefix_separator", said.get("separator"))
    behind = "_" if between is None else known.text(between, source.path) or "…"
    prefix = f"{known.text(said['prefix'], source.path) or '…'}{behind}" if "prefix" in said else ""
    yield _every(source, index, prefix, "config")


def _figment(source: "Source", index: int, known: Constants) -> "Iterator[Unclear]":
    """`Env::prefixed("APP_")` and `Env::raw()` of figment."""
    tokens = source.tokens
    if follows(tokens, index + 2, "prefixed", "("):
        prefix = known.text(tokens[index + 4 : closing(tokens, index + 3)], source.path) or "…"
        yield _every(source, index, prefix, "figment")
    elif follows(tokens, index + 2, "raw", "("):
        yield _every(source, index, "", "figment")


def _every(source: "Source", index: int, prefix: str, crate: str) -> "Unclear":
    from ferrule.cargo.variables import Unclear

    which = (
        f"every variable that begins with {prefix}" if prefix else "every variable that it has a field for"
    )
    return Unclear(path=source.path, line=source.tokens[index].line, what=f"{which}, with {crate}")
