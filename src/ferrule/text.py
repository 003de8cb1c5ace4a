"""Text for people: sizes, and names of strangers that cannot steer a terminal."""

DECIMALS_BELOW = 10


def printable(text: str) -> str:
    """The text with everything that is no printable letter replaced: names may come from anybody."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def counted(count: int, thing: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """Bytes for people, in powers of ten as registries and docker show them."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return (
                f"{amount:.0f} {unit}"
                if unit == "B"
                else f"{amount:.{2 if amount < DECIMALS_BELOW else 1}f} {unit}"
            )
        amount /= 1000
    return f"{amount:.2f} GB"
