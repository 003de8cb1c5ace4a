"""Texts as systemd's files have them: any string goes in, a part of a line comes out. systemd.syntax(7)."""


def unit_line(text: str) -> str:
    """One line without specifiers: `%` begins one. Blanks and what would end the line are one blank."""
    return " ".join(text.replace("%", "%%").split())


def unit_word(text: str) -> str:
    """An argument: quoted where systemd would split it or look for a variable in it."""
    plain = text and all(letter.isalnum() or letter in "/._-=:,@+" for letter in text) and text.isascii()
    return text if plain else unit_quoted(text).replace("$", "$$")


def unit_quoted(text: str) -> str:
    """In double quotes."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter == "%":
        return "%%"
    return letter if letter.isprintable() else "".join(f"\\x{byte:02x}" for byte in letter.encode())
