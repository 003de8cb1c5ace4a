"""Variables that a program declares for a crate to read: clap and its like, and envy."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ferrule.cargo.prefixed_variables import methods_behind, prefixes
from ferrule.cargo.rust_items import Field, Tokens, arguments, at, attributes_before, fields, follows
from ferrule.cargo.rust_tokens import closing
from ferrule.cargo.rust_values import Constants, value_of

if TYPE_CHECKING:
    from ferrule.cargo.variables import Read, Source, Unclear

MARKS = {"arg": "env", "clap": "env", "structopt": "env", "config": "env", "envconfig": "from"}
"""Attributes of clap, structopt, confique and envconfig → the key that names the variable."""
DEFAULTS = ("default_value", "default_value_t", "default_value_os", "default")
NOT_ALWAYS = ("required_unless", "required_if", "default_value_if", "exclusive")


def declared(sources: "tuple[Source, ...]", known: Constants) -> "Iterator[Read | Unclear]":
    """What attributes of clap name, what fields of a struct mean to envy, and prefixes of other crates."""
    structs = {name: (source, index) for source in sources for name, index in _structs(source.tokens)}
    for source in sources:
        for opening in (index for _, index in _structs(source.tokens)):
            for field in fields(source.tokens, opening):
                yield from _field(source, field, known, always=True)
        for opening in _variants(source.tokens):
            for field in fields(source.tokens, opening):
                yield from _field(source, field, known, always=False)
        for index, token in enumerate(source.tokens):
            if token.text == "envy" and follows(source.tokens, index + 1, "::"):
                yield from _envy(source, index + 2, structs, known)
            elif token.kind == "word":
                yield from _built(source, index, known)
                yield from prefixes(source, index, known)


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


def _field(source: "Source", field: Field, known: Constants, *, always: bool) -> "Iterator[Read | Unclear]":
    """`#[arg(env = "NAME")]`, or `#[arg(env)]` for the field's own name in capitals.

    Without `always` it is read for one sub-command only, so that nobody knows whether it is required.
    """
    from ferrule.cargo.variables import Read

    for mark, attribute in _attributes(field.attributes, *MARKS):
        said = _pairs(attribute)
        named = said.get(MARKS[mark])
        if named is None:
            continue
        name = known.text(named, source.path) if named else field.name.upper()
        if name is None:
            yield _unnamed(source, field.line)
            continue
        default = next((value_of(said[key], known, source.path) for key in DEFAULTS if key in said), None)
        may_be_missing = field.kind in ("Option", "bool", "Vec") or _says(said, "required") is False
        may_be_missing |= any(key.startswith("default") for key in said)
        is_sure = always and not any(key.startswith(NOT_ALWAYS) for key in said)
        yield Read(
            name=name,
            path=source.path,
            line=field.line,
            required=False if may_be_missing else (True if is_sure else None),
            default=default or None,
            secret=_says(said, "hide_env_values") is True,
        )


def _says(said: dict[str, Tokens], key: str) -> bool | None:
    """Whether a key that stands alone, or with true or false, is true; None where it does not stand."""
    return None if key not in said else not follows(said[key], 0, "false")


def _unnamed(source: "Source", line: int) -> "Unclear":
    from ferrule.cargo.variables import Unclear

    return Unclear(path=source.path, line=line, what="a variable whose name is not written there")


def _built(source: "Source", index: int, known: Constants) -> "Iterator[Read | Unclear]":
    """`Arg::new("port").env("PORT").default_value("80")`: the methods behind it, in any order."""
    from ferrule.cargo.variables import Read

    tokens = source.tokens
    is_made = follows(tokens, index, "Arg", "::") and at(tokens, index + 2).text in ("new", "with_name")
    if not is_made and not follows(tokens, index, "arg", "!", "("):
        return
    said, line = methods_behind(tokens, index + (3 if is_made else 2))
    if "env" not in said:
        return
    name = known.text(said["env"], source.path)
    if name is None:
        yield _unnamed(source, line["env"])
        return
    yield Read(
        name=name,
        path=source.path,
        line=line["env"],
        required=_says(said, "required") is True and not any(key.startswith(NOT_ALWAYS) for key in said),
        default=value_of(said.get("default_value", ()), known, source.path),
        secret=_says(said, "hide_env_values") is True,
    )


def _envy(
    source: "Source", index: int, structs: "dict[str, tuple[Source, int]]", known: Constants
) -> "Iterator[Read | Unclear]":
    """`envy::from_env::<T>()` and `envy::prefixed("APP_").from_env::<T>()`: a field, a variable."""
    from ferrule.cargo.variables import Read, Unclear

    tokens, prefix = source.tokens, ""
    line = at(tokens, index).line
    if follows(tokens, index, "prefixed", "("):
        prefix = known.text(tokens[index + 2 : closing(tokens, index + 1)], source.path) or "…"
        index = closing(tokens, index + 1) + 2
    if not (follows(tokens, index, "from_env") or follows(tokens, index, "from_iter")):
        return
    name = _last_word(tokens, index + 3) if follows(tokens, index + 1, "::", "<") else _let(tokens, index)
    if name not in structs or prefix == "…":
        yield Unclear(path=source.path, line=line, what=f"a struct's fields as {prefix}NAME, with envy")
        return
    owner, opening = structs[name]
    of_all = _pairs_of(attributes_before(owner.tokens, opening), "serde")
    for field in fields(owner.tokens, opening):
        said = _pairs_of(field.attributes, "serde")
        if "flatten" in said or "skip" in said or "skip_deserializing" in said:
            continue
        renamed = known.text(said["rename"], owner.path) if "rename" in said else None
        yield Read(
            name=prefix + (renamed or field.name).upper(),
            path=owner.path,
            line=field.line,
            required=field.kind != "Option" and "default" not in (*said, *of_all),
        )


def _last_word(tokens: Tokens, index: int) -> str:
    """The name at the end of a path such as `crate::settings::Settings`."""
    while follows(tokens, index + 1, "::"):
        index += 2
    return at(tokens, index).text


def _let(tokens: Tokens, index: int) -> str:
    """The type in `let name: Type = …`, if the call is the value of one."""
    while index >= 0 and tokens[index].text not in (";", "{", "}"):
        if follows(tokens, index, "let"):
            return at(tokens, index + 3).text if follows(tokens, index + 2, ":") else ""
        index -= 1
    return ""


def _attributes(tokens: Tokens, *names: str) -> Iterator[tuple[str, Tokens]]:
    """The name, and what stands in the brackets, of `#[name(…)]`."""
    for index in range(len(tokens)):
        if follows(tokens, index, "#", "[") and at(tokens, index + 2).text in names:
            yield at(tokens, index + 2).text, tokens[index + 4 : closing(tokens, index + 3)]


def _pairs_of(tokens: Tokens, name: str) -> dict[str, Tokens]:
    return {key: value for _, each in _attributes(tokens, name) for key, value in _pairs(each).items()}


def _pairs(tokens: Tokens) -> dict[str, Tokens]:
    """`key = value`, `key(value)` and `key` alone between commas."""
    found: dict[str, Tokens] = {}
    index = 0
    while index < len(tokens):
        end = index
        while end < len(tokens) and not follows(tokens, end, ","):
            is_open = any(follows(tokens, end, each) for each in ("(", "[", "{"))
            end = closing(tokens, end) + 1 if is_open else end + 1
        if at(tokens, index).kind == "word":
            inside = tokens[index + 2 : end]
            found[tokens[index].text] = inside[:-1] if follows(tokens, index + 1, "(") else inside
        index = end + 1
    return found
