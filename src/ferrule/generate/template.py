"""Templates: a name and values go in, the text of a file comes out.

A template is the file as people will read it, with holes. Into a hole goes only what is already in the
file's own form, a `Written` or a number: a value that nobody has escaped is an error, not an injection.
"""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ferrule.generate.docker import docker_word, docker_words, exec_form, shell_word
from ferrule.generate.yaml import yaml_text


class Written(str):
    """A text in the form of the file that it goes into."""

    __slots__ = ()


def render(name: str, /, **values: Any) -> str:
    """The text of `templates/NAME.j2` with the values in it."""
    return _environment().get_template(f"{name}.j2").render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ferrule.generate"),
        undefined=StrictUndefined,
        finalize=_finished,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - that is HTML's form; `_finished` refuses what has none
    )
    environment.filters["yaml"] = lambda value: Written(yaml_text(str(value)))
    environment.filters["line"] = lambda value: Written(" ".join(str(value).split()))
    environment.filters["docker"] = lambda value: Written(docker_word(str(value)))
    environment.filters["exec"] = lambda words: Written(exec_form(tuple(words)))
    environment.filters["words"] = lambda words: Written(docker_words(tuple(words)))
    environment.filters["sh"] = lambda value: Written(shell_word(str(value)))
    return environment


def _finished(value: object) -> object:
    if isinstance(value, Written | int):
        return value
    raise TypeError(f"{value!r} is in no file's form: put it through a filter")
