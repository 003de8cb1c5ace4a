"""Variables that a program declares for a crate to read: clap, envy, config, figment."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ferrule.cargo.rust_items import Field, Tokens, arguments, at, fields, follows
from ferrule.cargo.rust_tokens import closing

if TYPE_CHECKING:
    from ferrule.cargo.variables import Read, Source, Unclear

MARKS = ("arg", "clap")
PREFIXES = {("Environment", "with_prefix"): ("config", "_"), ("Env", "prefixed"): ("figment", "")}
"""A type and its function → the crate, and what it puts behind the prefix."""


def declared(sources: "tuple[Source, ...]", known: Mapping[str, str]) -> "Iterator[Read | Unclear]":
    """What attributes of clap name, what fields of a struct mean to envy, and prefixes of other crates."""
    structs = {name: (source, index) for source in sources for name, index in _structs(source.tokens)}
    for source in sources:
        for opening in (index for _, index in _structs(source.tokens)):
            for field in fields(source.tokens, opening):
                yield from _clap(source, field, known, always=True)
        for opening in _variants(source.tokens):
            for field in fields(source.tokens, opening):
                yield from _clap(source, field, known, always=False)
        for index, token in enumerate(source.tokens):
            if token.text == "Arg" and follows(source.tokens, index + 1, "::", "new", "("):
                yield from _built(source, index + 3, known)
            elif token.text == "envy" and follows(source.tokens, index + 1, "::"):
                yield from _envy(source, index + 2, structs, known)
            elif token.kind == "word":
                yield from _prefix(source, index, known)


def _structs(tokens: Tokens) -> Iterator[tuple[str, int]]:
    """Names of structs with named fields, and where their braces open."""
    for index in range(len(tokens)):
        if follows(tokens, index, "struct"):
            opening = next((i for i in range(index, len(tokens)) if tokens[i].text in ("{", "(", ";")), -1)
            if follows(tokens, opening, "{"):
                yield tokens[index + 1].text, opening


def _variants(tokens: Tokens) -> Iterator[int]:
    """Where the braces of an enum's variants open, such as those of clap's sub-commands."""
    for index in range(len(tokens)):
        if follows(tokens, index, "enum"):
            opening = next((i for i in range(index, len(tokens)) if tokens[i].text in ("{", ";")), -1)
            if follows(tokens, opening, "{"):
                for start, end in arguments(tokens, opening):
                    yield from (i for i in range(start, end) if follows(tokens, i, "{"))


def _clap(source: "Source", field: Field, known: Mapping[str, str], *, always: bool) -> "Iterator[Read]":
    """`#[arg(env = "NAME")]`, or `#[arg(env)]` for the field's own name in capitals.

    Without `always` it is read for one sub-command only, so that nobody knows whether it is required.
    """
    from ferrule.cargo.variables import Read

    for attribute in _attributes(field.attributes, *MARKS):
        said = _pairs(attribute)
        if "env" not in said:
            continue
        name = said["env"] or field.name.upper()
        default = said.get("default_value") or said.get("default_value_t")
        may_be_missing = field.kind in ("Option", "bool", "Vec") or "default_value_t" in said
        yield Read(
            name=known.get(name, name),
            path=source.path,
            line=field.line,
            required=False if may_be_missing or default else (True if always else None),
            default=default or None,
            secret="hide_env_values" in said,
        )


def _built(source: "Source", opening: int, known: Mapping[str, str]) -> "Iterator[Read]":
    """`Arg::new("port").env("PORT").default_value("80")`: the methods behind it, in any order."""
    from ferrule.cargo.variables import Read

    tokens, said = source.tokens, {}
    index = closing(tokens, opening) + 1
    while follows(tokens, index, ".") and follows(tokens, index + 2, "("):
        said[at(tokens, index + 1).text] = (at(tokens, index + 3), tokens[index + 1].line)
        index = closing(tokens, index + 2) + 1
    if "env" not in said:
        return
    word, line = said["env"]
    name = known.get(word.text, word.text if word.kind == "string" else "")
    default = said["default_value"][0].text if "default_value" in said else None
    if name:
        required = "required" in said and said["required"][0].text == "true"
        secret = "hide_env_values" in said
        yield Read(name=name, path=source.path, line=line, required=required, default=default, secret=secret)


def _envy(
    source: "Source", index: int, structs: "Mapping[str, tuple[Source, int]]", known: Mapping[str, str]
) -> "Iterator[Read | Unclear]":
    """`envy::from_env::<T>()` and `envy::prefixed("APP_").from_env::<T>()`: a field, a variable."""
    from ferrule.cargo.variables import Read, Unclear

    tokens, prefix = source.tokens, ""
    line = at(tokens, index).line
    if follows(tokens, index, "prefixed", "("):
        word = at(tokens, index + 2)
        prefix = known.get(word.text, word.text)
        index = closing(tokens, index + 1) + 2
    if not (follows(tokens, index, "from_env") or follows(tokens, index, "from_iter")):
        return
    name = at(tokens, index + 3).text if follows(tokens, index + 1, "::", "<") else _let(tokens, index)
    if name not in structs:
        yield Unclear(path=source.path, line=line, what=f"a struct's fields as {prefix}NAME, with envy")
        return
    owner, opening = structs[name]
    for field in fields(owner.tokens, opening):
        said = {
            key: value for each in _attributes(field.attributes, "serde") for key, value in each_pair(each)
        }
        if "flatten" in said or "skip" in said:
            continue
        yield Read(
            name=prefix + (said.get("rename") or field.name).upper(),
            path=owner.path,
            line=field.line,
            required=field.kind != "Option" and "default" not in said,
        )


def _let(tokens: Tokens, index: int) -> str:
    """The type in `let name: Type = …`, if the call is the value of one."""
    while index >= 0 and tokens[index].text not in (";", "{", "}"):
        if follows(tokens, index, "let"):
            return at(tokens, index + 3).text if follows(tokens, index + 2, ":") else ""
        index -= 1
    return ""


def _prefix(source: "Source", index: int, known: Mapping[str, str]) -> "Iterator[Unclear]":
    """Crates that take every variable with a prefix: which, only the shape of a type would tell."""
    from ferrule.cargo.variables import Unclear

    tokens = source.tokens
    crate = PREFIXES.get((tokens[index].text, at(tokens, index + 2).text))
    if crate and follows(tokens, index + 1, "::") and follows(tokens, index + 3, "("):
        word = at(tokens, index + 4)
        prefix = known.get(word.text, word.text if word.kind == "string" else "…") + crate[1]
        what = f"every variable that begins with {prefix}, with {crate[0]}"
        yield Unclear(path=source.path, line=tokens[index].line, what=what)


def _attributes(tokens: Tokens, *names: str) -> Iterator[Tokens]:
    """What stands in the brackets of `#[name(…)]`."""
    for index in range(len(tokens)):
        if follows(tokens, index, "#", "[") and at(tokens, index + 2).text in names:
            yield tokens[index + 4 : closing(tokens, index + 3)]


def _pairs(tokens: Tokens) -> dict[str, str]:
    return dict(each_pair(tokens))


def each_pair(tokens: Tokens) -> Iterator[tuple[str, str]]:
    """`key = value` and `key` alone between commas; a value that is no literal is its first word."""
    index = 0
    while index < len(tokens):
        if tokens[index].kind == "word":
            has_value = follows(tokens, index + 1, "=")
            yield tokens[index].text, at(tokens, index + 2).text if has_value else ""
        while index < len(tokens) and not follows(tokens, index, ","):
            index = closing(tokens, index) + 1 if tokens[index].text in ("(", "[", "{") else index + 1
        index += 1
