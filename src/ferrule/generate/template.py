"""Templates: a name and values go in, the text of a file comes out.

A template is the file as people will read it, with holes. Into a hole goes only what is already in the
file's own form, a `Written` or a number: a value that nobody has escaped is an error, not an injection.
"""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ferrule.generate.docker import docker_word, docker_words, exec_form, shell_word
from ferrule.generate.expression import literal
from ferrule.generate.yaml import yaml_lines, yaml_text

OTHER_SIGNS = {"github": ("[[", "]]")}
"""Template → what a hole begins and ends with, where `{{` is the file's own."""


class Written(str):
    """A text in the form of the file that it goes into."""

    __slots__ = ()


def render(name: str, /, **values: Any) -> str:
    """The text of `templates/NAME.j2` with the values in it."""
    return _environment(*OTHER_SIGNS.get(name, ())).get_template(f"{name}.j2").render(**values)


@cache
def _environment(start: str = "{{", end: str = "}}") -> Environment:
    environment = Environment(
        loader=PackageLoader("ferrule.generate"),
        variable_start_string=start,
        variable_end_string=end,
        undefined=StrictUndefined,
        finalize=_finished,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - that is HTML's form; `_finished` refuses what has none
    )
    environment.filters["yaml"] = lambda value: Written(yaml_text(str(value)))
    environment.filters["compose"] = lambda value: Written(yaml_text(str(value).replace("$", "$$")))
    environment.filters["github"] = lambda value: Written(yaml_text(literal(str(value))))
    environment.filters["github_lines"] = lambda lines, indent: Written(
        yaml_lines(literal("\n".join(lines)), indent)
    )
    environment.filters["line"] = lambda value: Written(_line(str(value)))
    environment.filters["docker"] = lambda value: Written(docker_word(str(value)))
    environment.filters["exec"] = lambda words: Written(exec_form(tuple(words)))
    environment.filters["words"] = lambda words: Written(docker_words(tuple(words)))
    environment.filters["sh"] = lambda value: Written(shell_word(str(value)))
    return environment


def _line(text: str) -> str:
    """For a comment: what is no letter that a person sees may end it, or the file."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _finished(value: object) -> object:
    if isinstance(value, Written | int):
        return value
    raise TypeError(f"{value!r} is in no file's form: put it through a filter")
