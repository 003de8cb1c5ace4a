"""Functions, constants and struct fields in Rust tokens."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ferrule.cargo.rust_tokens import Token, closing

Tokens = tuple[Token, ...]
END = Token("mark", "", 0)


class Function(NamedTuple):
    """`parameters` without self; the body is tokens[start:end]."""

    name: str
    parameters: tuple[str, ...]
    start: int
    end: int


class Field(NamedTuple):
    """A field of a struct: `kind` is the first word of its type, `attributes` the tokens before it."""

    name: str
    kind: str
    attributes: Tokens
    line: int


def at(tokens: Tokens, index: int) -> Token:
    """The token there, or an empty one."""
    return tokens[index] if 0 <= index < len(tokens) else END


def follows(tokens: Tokens, index: int, *texts: str) -> bool:
    """Whether the tokens from `index` on have these texts, and none of them is a string."""
    return all(
        at(tokens, index + offset).text == text and at(tokens, index + offset).kind != "string"
        for offset, text in enumerate(texts)
    )


def functions(tokens: Tokens) -> Iterator[Function]:
    """Every function that has a body."""
    for index in range(len(tokens)):
        if follows(tokens, index, "fn") and at(tokens, index + 1).kind == "word":
            opening = _skip_generics(tokens, index + 2)
            closed = closing(tokens, opening)
            start = next((i for i in range(closed, len(tokens)) if tokens[i].text in ("{", ";")), len(tokens))
            if follows(tokens, start, "{"):
                names = (_parameter(tokens[a:b]) for a, b in arguments(tokens, opening))
                parameters = tuple(name for name in names if name)
                yield Function(tokens[index + 1].text, parameters, start, closing(tokens, start))


def constants(tokens: Tokens) -> Mapping[str, str | None]:
    """Names of `const` and `static` strings, and their values; None where two of a name differ."""
    found: dict[str, str | None] = {}
    for index in range(len(tokens)):
        if follows(tokens, index, "const") or follows(tokens, index, "static"):
            end = next((i for i in range(index, len(tokens)) if follows(tokens, i, ";")), len(tokens))
            value, name = at(tokens, end - 1), at(tokens, index + 1).text
            if value.kind == "string" and follows(tokens, end - 2, "="):
                found[name] = value.text if found.get(name, value.text) == value.text else None
    return found


def fields(tokens: Tokens, opening: int) -> Iterator[Field]:
    """The named fields between the braces of a struct."""
    for start, end in arguments(tokens, opening):
        index = start
        while follows(tokens, index, "#", "["):
            index = closing(tokens, index + 1) + 1
        attributes = tokens[start:index]
        if follows(tokens, index, "pub"):
            index += 1
            if follows(tokens, index, "("):
                index = closing(tokens, index) + 1
        if index < end and at(tokens, index).kind == "word" and follows(tokens, index + 1, ":"):
            words = [token.text for token in tokens[index + 2 : end] if token.kind == "word"]
            kinds = [word for word in words if word not in ("std", "core", "option")]
            yield Field(tokens[index].text, kinds[0] if kinds else "", attributes, tokens[index].line)


def attributes_before(tokens: Tokens, opening: int) -> Tokens:
    """The attributes of the struct whose fields begin at `opening`."""
    end = opening
    while end > 0 and not follows(tokens, end, "struct"):
        end -= 1
    start = end - 1
    while start >= 0 and not (tokens[start].kind == "mark" and tokens[start].text in (";", "{", "}")):
        start -= 1
    return tokens[start + 1 : end]


def arguments(tokens: Tokens, opening: int) -> list[tuple[int, int]]:
    """Where each part between commas begins and ends, in the brackets that open at `opening`."""
    parts, end = [], closing(tokens, opening)
    start = index = opening + 1
    depth = 0
    while index < end:
        text = tokens[index].text if tokens[index].kind == "mark" else ""
        if text in ("(", "[", "{"):
            index = closing(tokens, index)
        elif text in ("<", ">"):
            depth = max(0, depth + (1 if text == "<" else -1))
        elif text == "," and depth == 0:
            parts.append((start, index))
            start = index + 1
        index += 1
    return [*parts, (start, end)] if start < end else parts


def arms(tokens: Tokens, opening: int) -> Iterator[tuple[int, int, int]]:
    """Each arm of a match: where its pattern and its value begin, and where that ends."""
    start, end = opening + 1, closing(tokens, opening)
    while start < end:
        arrow = _behind(tokens, start, end, "=>")
        if follows(tokens, arrow + 1, "{"):
            last = closing(tokens, arrow + 1) + 1
        else:
            last = _behind(tokens, arrow + 1, end, ",")
        yield start, arrow + 1, last
        start = last + 1 if follows(tokens, last, ",") else last


def _behind(tokens: Tokens, index: int, end: int, mark: str) -> int:
    """Where the mark is, outside of brackets; `end` where it is not."""
    while index < end and not follows(tokens, index, mark):
        is_open = any(follows(tokens, index, each) for each in ("(", "[", "{"))
        index = closing(tokens, index) + 1 if is_open else index + 1
    return min(index, end)


def _skip_generics(tokens: Tokens, index: int) -> int:
    """The bracket of the parameters."""
    depth = 0
    while index < len(tokens) and not (depth == 0 and tokens[index].text == "("):
        depth += {"<": 1, ">": -1}.get(tokens[index].text, 0)
        index += 1
    return index


def _parameter(tokens: Tokens) -> str:
    words = [token.text for token in tokens if token.text not in ("mut", "&", "ref")]
    return words[0] if len(words) > 1 and words[1] == ":" else ""
