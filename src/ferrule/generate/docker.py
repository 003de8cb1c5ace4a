"""Texts as a Dockerfile has them: a word of an instruction, an argument list, a word of the shell."""

import json
import re

PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
"""What neither Docker nor a shell reads anything into."""

LINE_ENDS = re.compile(r"[\n\r]")


def has_lines(text: str) -> bool:
    """Whether the text has several lines: no instruction but those with a JSON list can hold it."""
    return LINE_ENDS.search(text) is not None


def one_line(text: str) -> str:
    """The text with blanks in place of its line ends."""
    return LINE_ENDS.sub(" ", text)


def docker_word(text: str) -> str:
    """A word of ENV, LABEL, WORKDIR and others: quoted where Docker would split it or look for a variable.

    Raises `ValueError` for several lines, which a Dockerfile has no form for.
    """
    if has_lines(text):
        raise ValueError(f"{text!r} has several lines")
    if PLAIN.fullmatch(text):
        return text
    return '"' + re.sub(r'([\\"$])', r"\\\1", text) + '"'


def docker_words(words: tuple[str, ...]) -> str:
    """Words of VOLUME as a JSON list, in each of which Docker still reads quotes and variables."""
    return json.dumps([re.sub(r"""([\\"'$])""", r"\\\1", word) for word in words], ensure_ascii=False)


def exec_form(words: tuple[str, ...]) -> str:
    """The arguments as a JSON list, which is run without a shell: no variable in it is filled in."""
    return json.dumps(words, ensure_ascii=False)


def shell_word(text: str) -> str:
    """A word of sh. What would end the line of the Dockerfile is written by printf.

    Line ends at the very end of the text are lost, as in all that a shell substitutes.
    """
    if PLAIN.fullmatch(text):
        return text
    if not has_lines(text):
        # Not in single quotes, `$` too: a reader takes it for a variable that was meant to be one.
        return "'" + re.sub(r"(['$`])", r"'\\\1'", text) + "'"
    escaped = "".join(
        letter if PLAIN.fullmatch(letter) and letter != "%" else _octal(letter) for letter in text
    )
    return f"\"$(printf %b '{escaped}')\""


def bash_pattern(parts: tuple[str, ...]) -> str:
    """A pattern of paths for bash: `*`, `?` and `[` are what they are to it, all else is itself."""
    return re.sub(r"([^A-Za-z0-9_./*?\[\]!^-])", r"\\\1", "/".join(parts))


def _octal(letter: str) -> str:
    return "".join(f"\\0{byte:03o}" for byte in letter.encode())
