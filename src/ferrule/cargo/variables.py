"""Which variables a program reads from its environment, told from its source, with file and line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from ferrule.cargo.rust_conditions import compiled, files_left_out
from ferrule.cargo.rust_items import Function, Tokens, arguments, arms, at, follows, functions
from ferrule.cargo.rust_tokens import closing, tokens_of
from ferrule.cargo.rust_values import Constants, ends_program, value_of

READERS = ("var", "var_os")
MODULES = ("env", "dotenvy", "dotenv")
NAME = re.compile(r"[A-Z][A-Z0-9_]*")
NEEDED = frozenset(("unwrap", "expect"))
HAS_A_DEFAULT = frozenset(("unwrap_or", "unwrap_or_else", "map_or", "map_or_else"))
MAY_BE_MISSING = frozenset(
    ("ok", "is_ok", "is_err", "is_some", "is_none", "unwrap_or_default", "is_ok_and", "is_some_and")
)
MAKES_AN_ERROR = frozenset(("ok_or", "ok_or_else", "context", "with_context"))
ASKS_FOR_LOG = frozenset(("from_default_env", "try_from_default_env"))
LOGGERS = frozenset(("env_logger", "pretty_env_logger"))
STARTS = frozenset(
    ("init", "try_init", "init_timed", "builder", "formatted_builder", "init_from_env", "try_init_from_env")
)


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
    """A file's tokens without those of its tests, under the name by which people know it.

    `left_out` are the files and folders of modules that are for tests or other systems alone.
    """

    path: str
    tokens: Tokens
    functions: tuple[Function, ...]
    left_out: tuple[Path, ...] = ()


def read_sources(files: Mapping[Path, str]) -> tuple[Source, ...]:
    """Read all files of a program, without those that only tests or other systems have."""
    sources = {file: read_source(file, path) for file, path in files.items()}
    left_out = {place for source in sources.values() for place in source.left_out}
    return tuple(source for file, source in sources.items() if left_out.isdisjoint((file, *file.parents)))


def read_source(file: Path, path: str) -> Source:
    """Read one file; what is no UTF-8 in it is passed over."""
    tokens, dropped = compiled(tokens_of(file.read_text(encoding="utf-8", errors="replace")))
    left_out = tuple(files_left_out(file, dropped))
    return Source(path=path, tokens=tokens, functions=tuple(functions(tokens)), left_out=left_out)


def scan(sources: tuple[Source, ...]) -> Scan:
    """Every variable that the sources read. All of them are of one program."""
    from ferrule.cargo.declared_variables import declared

    known = Constants({source.path: source.tokens for source in sources})
    found = [*_called(sources, known), *_all(sources), *_logs(sources), *declared(sources, known)]
    order = {source.path: number for number, source in enumerate(sources)}
    found = sorted(set(found), key=lambda each: (order[each.path], each.line, repr(each)))
    return Scan(
        reads=tuple(each for each in found if isinstance(each, Read)),
        unclear=tuple(each for each in found if isinstance(each, Unclear)),
    )


class _Handed(NamedTuple):
    """A function that hands its argument at `position` on. `required` and `default` are what it makes of it,
    `fallback` is where its callers say a default."""

    position: int
    fallback: int | None
    required: bool | None
    default: str | None


def _called(sources: tuple[Source, ...], known: Constants) -> list[Read | Unclear]:
    """What calls of `env::var` read, and calls of functions that hand their argument on to it."""
    handing: dict[str, _Handed] = {}
    while True:
        found: list[Read | Unclear] = []
        more: dict[str, _Handed] = {}
        for source in sources:
            for index, opening, handed in _calls(source, handing):
                what = _argument(source, opening, handed.position if handed else 0, known)
                outcome = _outcome(source, index, opening, handed, known)
                line = source.tokens[index].line
                if isinstance(what, tuple):
                    more[what[0].name] = _Handed(what[1], _fallback(what[0]), *outcome)
                elif what is not None and (handed is None or NAME.fullmatch(what)):
                    required, default = outcome
                    read = Read(name=what, path=source.path, line=line, required=required, default=default)
                    found.append(read)
                elif what is None and handed is None:
                    said = "a variable whose name is not written there"
                    found.append(Unclear(path=source.path, line=line, what=said))
        if more.keys() <= handing.keys():
            return found
        handing |= more


def _calls(source: Source, handing: Mapping[str, _Handed]) -> Iterator[tuple[int, int, _Handed | None]]:
    """Index of the call, of its bracket, and what the function is; None for a call of `env::var` itself."""
    tokens = source.tokens
    is_imported = _imports_var(tokens)
    for index, token in enumerate(tokens):
        if token.kind != "word" or not follows(tokens, index + 1, "(") or follows(tokens, index - 1, "fn"):
            continue
        if token.text in READERS and _is_of_env(tokens, index, is_imported=is_imported):
            yield index, index + 1, None
        elif token.text in handing:
            yield index, index + 1, handing[token.text]


def _fallback(function: Function) -> int | None:
    """The parameter that is called a default."""
    names = enumerate(function.parameters)
    return next((place for place, name in names if name.startswith(("default", "fallback"))), None)


def _is_of_env(tokens: Tokens, index: int, *, is_imported: bool) -> bool:
    """Whether a function called `var` is that of `std::env`, or of dotenvy."""
    if follows(tokens, index - 1, "::"):
        return at(tokens, index - 2).text in MODULES
    return is_imported and not follows(tokens, index - 1, ".")


def _imports_var(tokens: Tokens) -> bool:
    """Whether the file has `use std::env::var`, alone or among others."""
    for index in range(len(tokens)):
        if follows(tokens, index, "use"):
            end = next((i for i in range(index, len(tokens)) if follows(tokens, i, ";")), len(tokens))
            for place in range(index, end):
                if at(tokens, place).text in MODULES and follows(tokens, place + 1, "::"):
                    last = closing(tokens, place + 2) if follows(tokens, place + 2, "{") else place + 2
                    if any(token.text in READERS for token in tokens[place : last + 1]):
                        return True
    return False


def _argument(
    source: Source, opening: int, position: int, known: Constants
) -> str | tuple[Function, int] | None:
    """The name that is read; or a function and the parameter that has it; or None where nobody can say."""
    parts = arguments(source.tokens, opening)
    if len(parts) <= position:
        return None
    start, end = parts[position]
    words = [token for token in source.tokens[start:end] if token.text not in ("&", "*")]
    around = [each for each in source.functions if each.start < opening < each.end]
    if len(words) == 1 and words[0].kind == "word" and around and words[0].text in around[-1].parameters:
        return around[-1], around[-1].parameters.index(words[0].text)
    return known.text(tuple(words), source.path)


def _outcome(
    source: Source, index: int, opening: int, handed: _Handed | None, known: Constants
) -> tuple[bool | None, str | None]:
    """Whether a value must be there, and what is taken in its place: by the call, or by what it calls."""
    tokens, end = source.tokens, closing(source.tokens, opening) + 1
    while follows(tokens, index - 1, "::"):
        index -= 2
    found = what_follows(source, end, known, is_matched=follows(tokens, index - 1, "match"))
    if handed is None:
        return found
    parts = arguments(tokens, opening)
    if handed.fallback is not None and handed.fallback < len(parts):
        return _of_default(source, *parts[handed.fallback], known)
    return (handed.required, handed.default) if found == (None, None) else found


def what_follows(
    source: Source, index: int, known: Constants, *, is_matched: bool
) -> tuple[bool | None, str | None]:
    """Whether a value must be there, and what is taken in its place, told from the methods behind a call."""
    tokens, may_be_missing = source.tokens, None
    while True:
        if follows(tokens, index, "?"):
            return True if may_be_missing is None else None, None
        if follows(tokens, index, "{") and is_matched:
            return _of_missing(source, index, known) or (may_be_missing, None)
        if follows(tokens, index, "else", "{"):
            ends = ends_program(tokens[index + 1 : closing(tokens, index + 1)])
            return True if ends else may_be_missing, None
        if not follows(tokens, index, ".") or not follows(tokens, index + 2, "("):
            return may_be_missing, None
        method, end = at(tokens, index + 1).text, closing(tokens, index + 2)
        if method in NEEDED:
            return True, None
        if method in HAS_A_DEFAULT:
            parts = arguments(tokens, index + 2)
            return _of_default(source, *parts[0], known) if parts else (False, None)
        if method in MAY_BE_MISSING:
            may_be_missing = False
        if method in MAKES_AN_ERROR:
            may_be_missing = None
        index = end + 1


def _of_default(source: Source, start: int, end: int, known: Constants) -> tuple[bool, str | None]:
    """What is taken where there is none; a program that ends then requires it.

    A bool is none: how one is written in the environment, `1` or `on` or anything, its reader decides.
    """
    given = source.tokens[start:end]
    if ends_program(given):
        return True, None
    value = value_of(given, known, source.path)
    is_bool = any(token.kind == "word" and token.text in ("true", "false") for token in given)
    return False, None if is_bool else value


def _of_missing(source: Source, opening: int, known: Constants) -> tuple[bool, str | None] | None:
    """What the arm `None => …` or `Err(…) => …` of a match says."""
    for start, value, end in arms(source.tokens, opening):
        if follows(source.tokens, start, "None") or follows(source.tokens, start, "Err", "("):
            return _of_default(source, value, end, known)
    return None


def _all(sources: tuple[Source, ...]) -> Iterator[Unclear]:
    """Loops over all that is there."""
    for source in sources:
        for index, token in enumerate(source.tokens):
            if token.text in MODULES and follows(source.tokens, index + 1, "::"):
                name = at(source.tokens, index + 2).text
                if name in ("vars", "vars_os") and follows(source.tokens, index + 3, "("):
                    yield Unclear(path=source.path, line=token.line, what="all variables that are there")


def _logs(sources: tuple[Source, ...]) -> Iterator[Read]:
    """`RUST_LOG`, which tracing-subscriber and env_logger read under that name without being told."""
    for source in sources:
        for index, token in enumerate(source.tokens):
            is_logger = token.text in LOGGERS and at(source.tokens, index + 2).text in STARTS
            if token.kind == "word" and (token.text in ASKS_FOR_LOG or is_logger):
                yield Read(name="RUST_LOG", path=source.path, line=token.line, required=False)
