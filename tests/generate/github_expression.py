"""GitHub's expressions, as far as the generated workflow uses them: a text goes in, its value comes out.

Literals in single quotes, names with dots, `hashFiles`, parentheses, `==`, `!=`, `&&` and `||`. What is none
of these is an error, so that a template cannot use what the tests do not know.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Contexts = Mapping[str, Any]
TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(==|!=|&&|\|\||[(),])|([A-Za-z_][\w.*-]*))")
OPEN, CLOSE = "${{", "}}"


def evaluated(text: str, contexts: Contexts) -> str:
    """The text with each `${{ … }}` replaced by its value, which is not looked through again."""
    before, opened, rest = text.partition(OPEN)
    if not opened:
        return text
    inside, after = _closed(rest)
    return before + written(value_of(inside, contexts)) + evaluated(after, contexts)


def _closed(text: str) -> tuple[str, str]:
    """What is inside, and what comes behind; a literal may hold anything."""
    match = re.match(r"((?:'[^']*'|(?!}})[^'])*)}}", text, re.DOTALL)
    assert match, f"an expression does not end: {text!r}"
    return match[1], text[match.end() :]


def value_of(expression: str, contexts: Contexts) -> Any:
    """The value of an expression without its signs, as `if:` has it."""
    tokens = _tokens(expression)
    value = _either(tokens, contexts)
    assert not tokens, f"{expression!r}: {tokens[0]!r} is too much"
    return value


def written(value: Any) -> str:
    """A value as it stands in a text."""
    return {None: "", True: "true", False: "false"}.get(value, value) if not isinstance(value, str) else value


def _tokens(expression: str) -> list[str]:
    tokens, place, text = [], 0, expression.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        assert match, f"no expression that the tests know: {expression!r}"
        tokens.append(match[0].strip())
        place = match.end()
    return tokens


def _either(tokens: list[str], contexts: Contexts) -> Any:
    return _chain(tokens, contexts, "||", _both, lambda left, right: left or right)


def _both(tokens: list[str], contexts: Contexts) -> Any:
    return _chain(tokens, contexts, "&&", _compared, lambda left, right: left and right)


def _compared(tokens: list[str], contexts: Contexts) -> Any:
    left = _single(tokens, contexts)
    if tokens[:1] not in (["=="], ["!="]):
        return left
    sign, right = tokens.pop(0), _single(tokens, contexts)
    return (left == right) == (sign == "==")


def _chain(
    tokens: list[str],
    contexts: Contexts,
    sign: str,
    part: Callable[[list[str], Contexts], Any],
    join: Callable[[Any, Any], Any],
) -> Any:
    value = part(tokens, contexts)
    while tokens[:1] == [sign]:
        tokens.pop(0)
        value = join(value, part(tokens, contexts))
    return value


def _single(tokens: list[str], contexts: Contexts) -> Any:
    token = tokens.pop(0)
    if token == "(":
        value = _either(tokens, contexts)
        assert tokens.pop(0) == ")"
        return value
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    if token == "hashFiles":
        assert (tokens.pop(0), tokens.pop(1)) == ("(", ")")
        return f"hash-of-{tokens.pop(0)[1:-1]}"
    found: Any = contexts
    for name in token.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
