"""Which variables a program reads from its environment, told from its source, with file and line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ferrule.cargo.rust_items import (
    Function,
    Tokens,
    arguments,
    at,
    constants,
    follows,
    functions,
    without_tests,
)
from ferrule.cargo.rust_tokens import closing, tokens_of

READERS = ("var", "var_os")
MODULES = ("env", "dotenvy", "dotenv")
NAME = re.compile(r"[A-Z][A-Z0-9_]*")
NEEDED = frozenset(("unwrap", "expect"))
HAS_A_DEFAULT = frozenset(("unwrap_or", "unwrap_or_else", "map_or", "map_or_else"))
MAY_BE_MISSING = frozenset(("ok", "is_ok", "is_err", "is_some", "is_none", "unwrap_or_default"))
ASKS_FOR_LOG = frozenset(("from_default_env", "try_from_default_env"))


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A variable that the source reads, and where. `required` is None where the source does not tell."""

    name: str
    path: str
    line: int
    required: bool | None = None
    default: str | None = None
    secret: bool = False


class Unclear(msgspec.Struct, frozen=True, kw_only=True):
    """A place that reads variables without their names, and what can be said of it."""

    path: str
    line: int
    what: str


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found in a source, in the order of its files and lines."""

    reads: tuple[Read, ...]
    unclear: tuple[Unclear, ...]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file's tokens without those of its tests, under the name by which people know it."""

    path: str
    tokens: Tokens
    functions: tuple[Function, ...]


def read_source(file: Path, path: str) -> Source:
    """Read one file; what is no UTF-8 in it is passed over."""
    tokens = without_tests(tokens_of(file.read_text(encoding="utf-8", errors="replace")))
    return Source(path=path, tokens=tokens, functions=tuple(functions(tokens)))


def scan(sources: tuple[Source, ...]) -> Scan:
    """Every variable that the sources read. All of them are of one program."""
    from ferrule.cargo.declared_variables import declared

    known = {name: value for source in sources for name, value in constants(source.tokens).items()}
    found = [*_called(sources, known), *_logs(sources), *declared(sources, known)]
    order = {source.path: number for number, source in enumerate(sources)}
    found = sorted(set(found), key=lambda each: (order[each.path], each.line, repr(each)))
    return Scan(
        reads=tuple(each for each in found if isinstance(each, Read)),
        unclear=tuple(each for each in found if isinstance(each, Unclear)),
    )


def _called(sources: tuple[Source, ...], known: Mapping[str, str]) -> list[Read | Unclear]:
    """What calls of `env::var` read, and calls of functions that hand their argument on to it."""
    handing: dict[str, int] = {}
    while True:
        found: list[Read | Unclear] = []
        more: dict[str, int] = {}
        for source in sources:
            for index, opening, position in _calls(source, handing):
                what = _argument(source, opening, position, known)
                if isinstance(what, tuple):
                    more[what[0]] = what[1]
                elif what is not None and (position is None or NAME.fullmatch(what)):
                    found.append(_read(source, index, opening, what))
                elif what is None and position is None:
                    said = "a variable whose name is not written there"
                    found.append(Unclear(path=source.path, line=source.tokens[index].line, what=said))
        if more.items() <= handing.items():
            return found
        handing |= more


def _calls(source: Source, handing: Mapping[str, int]) -> Iterator[tuple[int, int, int | None]]:
    """Index of the call, of its bracket, and of the argument; None for a call of `env::var` itself."""
    tokens = source.tokens
    is_imported = _imports_var(tokens)
    for index, token in enumerate(tokens):
        if token.kind != "word" or not follows(tokens, index + 1, "(") or follows(tokens, index - 1, "fn"):
            continue
        if token.text in READERS and _is_of_env(tokens, index, is_imported=is_imported):
            yield index, index + 1, None
        elif token.text in handing:
            yield index, index + 1, handing[token.text]


def _is_of_env(tokens: Tokens, index: int, *, is_imported: bool) -> bool:
    """Whether a function called `var` is that of `std::env`, or of dotenvy."""
    if follows(tokens, index - 1, "::"):
        return at(tokens, index - 2).text in MODULES
    return is_imported and not follows(tokens, index - 1, ".")


def _imports_var(tokens: Tokens) -> bool:
    """Whether the file has `use std::env::var`, alone or among others."""
    for index in range(len(tokens)):
        if follows(tokens, index, "use", "std", "::", "env", "::"):
            end = next((i for i in range(index, len(tokens)) if tokens[i].text == ";"), len(tokens))
            if any(token.text in READERS for token in tokens[index:end]):
                return True
    return False


def _argument(
    source: Source, opening: int, position: int | None, known: Mapping[str, str]
) -> str | tuple[str, int] | None:
    """The name that is read; or a function and the parameter that has it; or None where nobody can say."""
    parts = arguments(source.tokens, opening)
    if len(parts) <= (position or 0):
        return None
    start, end = parts[position or 0]
    words = [token for token in source.tokens[start:end] if token.text not in ("&", "*")]
    if not words or (len(words) > 1 and not _is_path(tuple(words))):
        return None
    word = words[-1]
    if word.kind == "string":
        return word.text
    if word.text in known:
        return known[word.text]
    around = [each for each in source.functions if each.start < opening < each.end]
    if around and word.text in around[-1].parameters:
        return around[-1].name, around[-1].parameters.index(word.text)
    return None


def _is_path(words: Tokens) -> bool:
    return all(word.kind == "word" or word.text == "::" for word in words)


def _read(source: Source, index: int, opening: int, name: str) -> Read:
    required, default = what_follows(source.tokens, closing(source.tokens, opening) + 1)
    line = source.tokens[index].line
    return Read(name=name, path=source.path, line=line, required=required, default=default)


def what_follows(tokens: Tokens, index: int) -> tuple[bool | None, str | None]:
    """Whether a value must be there, and what is taken in its place, told from the methods behind a call."""
    may_be_missing = None
    while True:
        if follows(tokens, index, "?"):
            return True, None
        if follows(tokens, index, "{") and (value := _value_of_missing(tokens, index)) is not None:
            return False, value
        if not follows(tokens, index, ".") or not follows(tokens, index + 2, "("):
            return may_be_missing, None
        method, end = at(tokens, index + 1).text, closing(tokens, index + 2)
        if method in NEEDED:
            return True, None
        if method in HAS_A_DEFAULT:
            values = [token for token in tokens[index + 3 : end] if token.kind in ("string", "number")]
            return False, values[0].text if len(values) == 1 else None
        if method in MAY_BE_MISSING:
            may_be_missing = False
        index = end + 1


def _value_of_missing(tokens: Tokens, opening: int) -> str | None:
    """The literal in the arm `None => …` or `Err(_) => …` of a match."""
    for index in range(opening, closing(tokens, opening)):
        arrow = index + 1 if follows(tokens, index, "None") else index + 4
        if (follows(tokens, index, "None") or follows(tokens, index, "Err", "(", "_", ")")) and follows(
            tokens, arrow, "=>"
        ):
            value = at(tokens, arrow + 1)
            return value.text if value.kind in ("string", "number") else None
    return None


def _logs(sources: tuple[Source, ...]) -> Iterator[Read]:
    """`RUST_LOG`, which tracing-subscriber and env_logger read under that name without being told."""
    for source in sources:
        for index, token in enumerate(source.tokens):
            is_logger = token.text == "env_logger" and at(source.tokens, index + 2).text in (
                "init",
                "try_init",
                "builder",
            )
            if token.kind == "word" and (token.text in ASKS_FOR_LOG or is_logger):
                yield Read(name="RUST_LOG", path=source.path, line=token.line, required=False)
