"""A text as YAML has it: any string goes in, a scalar for one line of a template comes out."""

import re

PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")
"""Texts that every reader of YAML 1.1 and 1.2 takes for the string that a person sees."""

WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null", "none"))
"""What some reader takes for something else, in any case of letters."""

SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def yaml_text(text: str) -> str:
    """The string as it stands, or in double quotes (YAML 1.2.2, 7.3.1) with what is not printable escaped."""
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def yaml_lines(text: str, indent: int) -> str:
    """The string line by line below its key, where each line can be read so; else in double quotes."""
    lines = text.split("\n")
    is_plain = all(line and not line[0].isspace() and line.isascii() and line.isprintable() for line in lines)
    if not is_plain:
        return yaml_text(text)
    return "\n".join(("|-", *(" " * indent + line for line in lines)))


def _escaped(letter: str) -> str:
    if letter in SHORT:
        return SHORT[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
