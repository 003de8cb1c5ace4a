"""Writes into a document what its commands print now: `python -m tests.docs.rewrite DOCUMENT…`.

All that a command prints goes below it; what is too long is then shortened by hand. A command that goes on
running keeps what is there. `test_commands.py` holds every document to what it shows.
"""

import re
import sys
import tempfile
from pathlib import Path

from tests.docs.console import ANY, FENCE, HOME, PROMPT, shown_in
from tests.docs.test_commands import ROOT, Environment, parts_of_documents, run_to_the_end


def rewritten(text: str, environment: Environment, place: Path) -> str:
    """The text with what its commands print here; one that fails and should not is an AssertionError."""
    return FENCE.sub(lambda match: f"```console\n{_block(match[1], environment, place)}```", text)


def _block(block: str, environment: Environment, place: Path) -> str:
    commands = re.split(rf"^{re.escape(PROMPT)}", block, flags=re.MULTILINE)[1:]
    return "".join(f"{PROMPT}{_command(each, environment, place)}" for each in commands)


def _command(command: str, environment: Environment, place: Path) -> str:
    first = command.partition("\n")[0]
    (shown,) = shown_in(f"```console\n{PROMPT}{first.replace('/tmp/', f'{place}/')}\n```\n")
    if command.rstrip().endswith(f"\n{ANY}"):
        return command
    log = place / "log"
    run_to_the_end(shown, environment, log)
    return f"{first}\n{_as_documents_have_it(log.read_text(), environment, place)}"


def _as_documents_have_it(printed: str, environment: Environment, place: Path) -> str:
    """Without what is this machine's alone: its folders, the addresses of the parts, times."""
    names = {str(place): "/tmp", str(ROOT): HOME, environment["REGISTRY"]: "127.0.0.1:5000"}
    for name, text in names.items():
        printed = printed.replace(name, text)
    printed = re.sub(r"^\d{4}-\d\d-\d\dT\S+ +", f"{ANY} ", printed, flags=re.MULTILINE)
    return re.sub(r"\(docker does not answer at [^)]*\)", f"(docker does not answer at {ANY})", printed)


def main(documents: list[str]) -> None:
    """Each document in its turn, in place."""
    with tempfile.TemporaryDirectory() as folder, parts_of_documents(Path(folder)) as environment:
        for document in map(Path, documents):
            place = Path(folder) / document.stem
            place.mkdir()
            document.write_text(
                rewritten(document.read_text(encoding="utf-8"), environment, place), encoding="utf-8"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
