"""Writes the reference: click's commands, the settings and the errors go in, Markdown comes out.

`python -m docs.reference.generate` writes the files; with `--check` it writes nothing and fails when one of
them differs.
"""

import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import click
import msgspec

from docs.reference.keys import KEYS, OWN_FILE, VARIABLES
from ferrule import errors
from ferrule.cargo.missing import LIBRARIES, TOOLS
from ferrule.cli.app import VERBS, ferrule
from ferrule.cli.sections import help_record
from ferrule.config import ALLOCATORS, LINKS, OPTIMIZATIONS, Settings, resolve
from ferrule.tables import Table
from ferrule.verbs.context import OwnFile

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by `make docs` from the code. Do not edit. -->\n"
CHOICES = {"link": LINKS, "allocator": ALLOCATORS, "optimize": OPTIMIZATIONS}
WORDS = {str: "string", int: "number", bool: "boolean", Any: "any"}


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Write or compare; the exit code is 1 when a file of the folder differs."""
    pages = {
        "commands.md": commands(),
        "configuration.md": configuration(),
        "exit-codes.md": exit_codes(),
        "packages.md": packages(),
    }
    stale = [name for name, text in pages.items() if _read(folder / name) != text]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"docs/reference/{name} differs from the code: run `make docs`\n")
        return 1 if stale else 0
    for name in stale:
        (folder / name).write_text(pages[name], encoding="utf-8")
    return 0


def commands() -> str:
    """Every verb with its arguments and flags."""
    return _page(
        "Commands",
        "The result goes to stdout and nothing else does; what is said to a person goes to stderr. Flags "
        "beat variables, variables beat Cargo.toml, and Cargo.toml beats defaults. `cargo ferrule VERB` is "
        "the same as `ferrule VERB`.",
        *(_verb(name, context) for name, context in _contexts().items()),
    )


def configuration() -> str:
    """The keys of Cargo.toml, the user's own file, and the variables."""
    return _page(
        "Configuration",
        "## In Cargo.toml",
        "`[package.metadata.ferrule]`, or `[workspace.metadata.ferrule]` for all packages of a workspace. "
        "`[package.metadata.ferrule.bin.NAME]` is for one binary. The nearer table wins key by key; `env` "
        "and `labels` are merged by name. An unknown key is an error.",
        _table(("key", "type", "default", "what it is"), _keys()),
        "## In the user's own file",
        "`ferrule/config.toml` in the user's configuration folder (`~/.config`, or `XDG_CONFIG_HOME`). Whom "
        "ferrule trusts is said here, by a flag or by a variable, and never by the project.",
        _table(("key", "type", "what it is"), _own_file()),
        "## In the environment",
        "The variable of a flag that may be repeated takes several values with spaces between them.",
        _table(("variable", "what it is"), _variables()),
    )


def exit_codes() -> str:
    """Each exit code and the errors behind it."""
    meanings: dict[int, list[str]] = {0: ["Done."]}
    for kind in vars(errors).values():
        code = getattr(kind, "exit_code", None)
        if isinstance(code, int):
            text = kind.__doc__ or ""
            meanings.setdefault(code, []).append(" ".join(text.partition("\n\n")[0].split()))
    rows = ((str(code), " ".join(lines)) for code, lines in sorted(meanings.items()))
    return _page(
        "Exit codes",
        "An error is one line on stderr, then a line `hint:` with the next thing to do. `ferrule run` ends "
        "with the exit code of the program that it ran.",
        _table(("code", "when"), rows),
    )


def packages() -> str:
    """The tools and libraries that an error names, and their packages."""
    head = ("", "Debian", "Fedora", "Alpine")
    rows = [(part.title, part.debian, part.fedora, part.alpine) for part in (*TOOLS, *LIBRARIES)]
    return _page(
        "Packages that builds need",
        "Where a build script or the linker misses one of these, the error names it with its packages. The "
        "names were looked up in 2026: in the package index of Debian 12, in the spec files of Fedora's "
        "development branch, and in the recipes of Alpine's aports.",
        _table(head, rows),
    )


def _contexts() -> dict[str, click.Context]:
    group = ferrule.make_context("ferrule", [], resilient_parsing=True)
    commands = {name: ferrule.get_command(group, name) for name in VERBS}
    return {
        name: click.Context(command, info_name=name, parent=group)
        for name, command in commands.items()
        if command is not None
    }


def _verb(name: str, context: click.Context) -> str:
    usage = context.get_usage().removeprefix("Usage: ")
    rows = (_option(option, context) for option in _options(context))
    return "\n\n".join(
        (
            f"## {name}",
            f"```text\n{' '.join(usage.split())}\n```",
            "\n\n".join(" ".join(part.split()) for part in (context.command.help or "").split("\n\n")),
            _table(("flag", "variable", "what it does"), rows),
        )
    )


def _options(context: click.Context) -> list[click.Option]:
    return [param for param in context.command.get_params(context) if isinstance(param, click.Option)]


def _option(option: click.Option, context: click.Context) -> tuple[str, ...]:
    flags, text = help_record(option, context)
    return f"`{flags}`", _code(option.envvar), " ".join(text.split())


def _keys() -> Iterator[tuple[str, ...]]:
    defaults = resolve(())
    fields = {field.encode_name: field for field in msgspec.structs.fields(Table)}
    _same(fields, KEYS)
    for key, field in fields.items():
        kind = " or ".join(f"`{choice}`" for choice in CHOICES.get(key, ())) or _type(field.type)
        yield f"`{key}`", kind, _default(defaults, field.name), KEYS[key]


def _own_file() -> Iterator[tuple[str, ...]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(OwnFile)}
    _same(fields, OWN_FILE)
    return ((f"`{key}`", _type(field.type), OWN_FILE[key]) for key, field in fields.items())


def _variables() -> Iterator[tuple[str, ...]]:
    flags: dict[str, list[str]] = {}
    for name, context in _contexts().items():
        for option in _options(context):
            if isinstance(option.envvar, str):
                flags.setdefault(option.envvar, [f"`{option.opts[0]}` of"]).append(f"`{name}`,")
    for variable, words in flags.items():
        yield f"`{variable}`", f"{' '.join(words).removesuffix(',')}."
    yield from ((f"`{variable}`", text) for variable, text in VARIABLES.items())


def _default(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return "" if value is None or value in ((), {}) else f"`{value}`"


def _type(kind: Any) -> str:
    """A type of Python in the words of TOML."""
    origin, parts = get_origin(kind), [part for part in get_args(kind) if part not in (type(None), ...)]
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts)
    if origin is tuple:
        return f"list of {_plural(_type(parts[0]))}"
    if origin is not None and issubclass(origin, Mapping):
        return "table" if parts[1] is Any else f"table of {_plural(_type(parts[1]))}"
    return WORDS[kind]


def _plural(words: str) -> str:
    return " or ".join(f"{word}s" for word in words.split(" or "))


def _same(fields: Iterable[str], described: Iterable[str]) -> None:
    odd = set(fields) ^ set(described)
    if odd:
        raise SystemExit(f"docs/reference/keys.py and the code differ in: {', '.join(sorted(odd))}")


def _code(text: object) -> str:
    return f"`{text}`" if text else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((NOTE + f"\n# {title}", *parts)) + "\n"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
