"""What an expression of Rust would be as text in an environment, where the source says it."""

import re
from collections.abc import Mapping
from pathlib import PurePath

from ferrule.cargo.rust_items import Tokens, arguments, at, constants, follows
from ferrule.cargo.rust_tokens import closing

WRAPPERS = frozenset(("from", "Some", "Ok", "new", "from_str", "Owned", "Borrowed"))
"""Functions whose argument is the value: `String::from("x")`. Of a `Duration` nobody knows the unit."""
KEEPING = frozenset(
    ("to_string", "to_owned", "into", "parse", "unwrap", "expect", "as_str", "clone", "into_owned")
)
"""Methods that leave a value what it is."""
ENDING = frozenset(("panic", "exit", "abort", "bail", "unreachable", "fatal"))
NUMBER = re.compile(
    r"(0x[0-9a-fA-F]+?|0o[0-7]+|0b[01]+|[0-9]+(?:\.[0-9]+)?)(?:[ui](?:8|16|32|64|128|size)|f32|f64)?"
)


class Constants:
    """The constant strings of all files of a program: those of the file itself go before others."""

    def __init__(self, files: Mapping[str, Tokens]) -> None:
        self._own = {path: constants(tokens) for path, tokens in files.items()}
        self._all: dict[str, str | None] = {}
        for own in self._own.values():
            for name, value in own.items():
                self._all[name] = value if self._all.get(name, value) == value else None

    def text(self, tokens: Tokens, path: str) -> str | None:
        """A string, or the constant that a path such as `names::PORT` leads to; None where neither is."""
        words = tuple(token for token in tokens if token.text not in ("&", "*") or token.kind == "string")
        if len(words) == 1 and words[0].kind == "string":
            return words[0].text
        if not words or any(each.kind != "word" and each.text != "::" for each in words):
            return None
        *modules, name = (each.text for each in words if each.text != "::")
        if not modules or modules[-1] in ("self", "Self"):
            if name in self._own[path]:
                return self._own[path][name]
        elif name in (named := self._module(modules[-1])):
            return named[name]
        return self._all.get(name)

    def _module(self, name: str) -> Mapping[str, str | None]:
        """The constants of the one file of a module, `name.rs` or `name/mod.rs`."""
        found = [own for path, own in self._own.items() if _module_of(PurePath(path)) == name]
        return found[0] if len(found) == 1 else {}


def _module_of(path: PurePath) -> str:
    return path.parent.name if path.name == "mod.rs" else path.stem


def value_of(tokens: Tokens, known: Constants, path: str) -> str | None:
    """The text of a literal or constant in its usual wrappings, `|_| "3000".to_string()`.

    None for all that is only known when the program runs.
    """
    tokens = _unwrapped(tokens)
    first = at(tokens, 0)
    value: str | None
    if first.kind == "string":
        value, rest = first.text, 1
    elif first.kind == "number":
        value, rest = _number(first.text), 1
    elif follows(tokens, 0, "-") and at(tokens, 1).kind == "number":
        number = _number(at(tokens, 1).text)
        value, rest = number and f"-{number}", 2
    else:
        value, rest = _of_path(tokens, known, path)
    return value if value is not None and _is_kept(tokens, rest) else None


def ends_program(tokens: Tokens) -> bool:
    """Whether an expression leads nowhere: `panic!(…)`, `process::exit(1)`, `return Err(…)`."""
    return any(
        token.kind == "word"
        and (
            (token.text in ENDING and (follows(tokens, index + 1, "!") or follows(tokens, index + 1, "(")))
            or (token.text == "return" and follows(tokens, index + 1, "Err"))
        )
        for index, token in enumerate(tokens)
    )


def _unwrapped(tokens: Tokens) -> Tokens:
    """Without the head of a closure, braces around all of it, and references."""
    while tokens:
        if follows(tokens, 0, "|"):
            head = next((i for i in range(1, len(tokens)) if follows(tokens, i, "|")), len(tokens))
            tokens = tokens[head + 1 :]
        elif follows(tokens, 0, "{") and closing(tokens, 0) == len(tokens) - 1:
            tokens = tokens[1:-1]
        elif follows(tokens, 0, "&") or follows(tokens, 0, "move"):
            tokens = tokens[1:]
        else:
            break
    return tokens


def _of_path(tokens: Tokens, known: Constants, path: str) -> tuple[str | None, int]:
    """The value of `a::b` or `a::b(value)`, and where it ends."""
    if at(tokens, 0).kind != "word":
        return None, 0
    end = 1
    while follows(tokens, end, "::") and at(tokens, end + 1).kind == "word":
        end += 2
    name = tokens[end - 1].text
    if not follows(tokens, end, "("):
        is_bool = end == 1 and name in ("true", "false")
        return name if is_bool else known.text(tokens[:end], path), end
    given = arguments(tokens, end)
    if name not in WRAPPERS or len(given) != 1:
        return None, end
    start, last = given[0]
    return value_of(tokens[start:last], known, path), closing(tokens, end) + 1


def _is_kept(tokens: Tokens, index: int) -> bool:
    """Whether nothing follows that makes another value of it."""
    while index < len(tokens):
        if follows(tokens, index, "?"):
            index += 1
        elif follows(tokens, index, ".") and at(tokens, index + 1).text in KEEPING:
            opening = index + 2
            while opening < len(tokens) and not follows(tokens, opening, "("):  # over `::<u16>`
                opening += 1
            index = closing(tokens, opening) + 1
        else:
            return False
    return True


def _number(text: str) -> str | None:
    """Without underscores and the name of a type; a base other than ten is none that a program reads."""
    match = NUMBER.fullmatch(text.replace("_", ""))
    if match is None:
        return None
    return match[1] if match[1][:2] not in ("0x", "0o", "0b") else str(int(match[1], 0))
