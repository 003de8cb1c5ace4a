"""What is compiled into a program for Linux, told from `#[cfg(…)]` and the attributes of tests."""

from collections.abc import Iterator
from pathlib import Path

from ferrule.cargo.rust_items import Tokens, arguments, at, follows
from ferrule.cargo.rust_tokens import closing

TESTS = frozenset(("test", "rstest", "test_case", "bench"))
"""Last words of attributes that make a function a test: `#[test]`, `#[tokio::test]`, `#[sqlx::test]`."""

ITEMS = {
    *("fn", "mod", "struct", "enum", "union", "impl", "trait", "type", "use", "const", "static"),
    *("unsafe", "async", "extern", "macro_rules", "let"),
}
KNOWN = {"test": False, "windows": False, "unix": True, "doc": False, "miri": False}
LINUX = {"target_os": "linux", "target_family": "unix"}


def compiled(tokens: Tokens) -> tuple[Tokens, tuple[Tokens, ...]]:
    """The tokens less every item that is for tests or another system, and those items."""
    kept: list[int] = []
    dropped: list[Tokens] = []
    index = 0
    while index < len(tokens):
        if follows(tokens, index, "#", "!", "[") and _is_left_out(tokens, index + 2):
            return (), (tokens,)
        if follows(tokens, index, "#", "[") and _is_left_out(tokens, index + 1):
            end = _after_item(tokens, closing(tokens, index + 1) + 1)
            dropped.append(tokens[index:end])
            index = end
        else:
            kept.append(index)
            index += 1
    return tuple(tokens[each] for each in kept), tuple(dropped)


def files_left_out(file: Path, dropped: tuple[Tokens, ...]) -> Iterator[Path]:
    """The files and folders of `#[cfg(test)] mod tests;` and the like in a file."""
    is_root = file.name in ("main.rs", "lib.rs", "mod.rs")
    folder = file.parent if is_root else file.with_suffix("")
    for item in dropped:
        if follows(item, len(item) - 3, "mod") and follows(item, len(item) - 1, ";"):
            named = next((i for i in range(len(item)) if follows(item, i, "path", "=")), None)
            if named is not None:
                yield file.parent / at(item, named + 2).text
            else:
                yield folder / f"{at(item, len(item) - 2).text}.rs"
                yield folder / at(item, len(item) - 2).text


def _is_left_out(tokens: Tokens, opening: int) -> bool:
    """Whether the attribute in these brackets keeps what follows out of the program."""
    if follows(tokens, opening + 1, "cfg", "("):
        return _holds(tokens[opening + 3 : closing(tokens, opening + 2)]) is False
    index = opening + 1
    while follows(tokens, index + 1, "::"):
        index += 2
    return at(tokens, index).text in TESTS and at(tokens, index).kind == "word"


def _holds(tokens: Tokens) -> bool | None:
    """A condition: None where it is nobody's to say, as with features."""
    name, value = at(tokens, 0).text, at(tokens, 2).text
    if name in LINUX and follows(tokens, 1, "="):
        return value == LINUX[name]
    if not follows(tokens, 1, "("):
        return KNOWN.get(name) if len(tokens) == 1 else None
    parts = [_holds(tokens[start:end]) for start, end in arguments(tokens, 1)]
    if name == "not" and len(parts) == 1:
        return None if parts[0] is None else not parts[0]
    if name == "all" and False in parts:
        return False
    if name == "any" and True in parts:
        return True
    return None if None in parts or name not in ("all", "any") else name == "all"


def _after_item(tokens: Tokens, index: int) -> int:
    """Behind what begins here: the braces or the semicolon of an item, the comma of a field or an arm."""
    while follows(tokens, index, "#", "["):
        index = closing(tokens, index + 1) + 1
    start = index + 1 if follows(tokens, index, "pub") else index
    start = closing(tokens, start) + 1 if follows(tokens, start, "(") else start
    ends = ("{", ";") if at(tokens, start).text in ITEMS else ("{", ";", ",", "}")
    while index < len(tokens) and not any(follows(tokens, index, end) for end in ends):
        is_open = follows(tokens, index, "(") or follows(tokens, index, "[")
        index = closing(tokens, index) + 1 if is_open else index + 1
    if follows(tokens, index, "}"):
        return index
    return closing(tokens, index) + 1 if follows(tokens, index, "{") else index + 1
