"""Small programs for tests, compiled by this machine's compilers."""

import shutil
from pathlib import Path

from ferrule.process import Command, SystemRunner
from tests.parts.need import need

COMPILERS = {".c": ("gcc",), ".cc": ("g++",), ".rs": ("rustc", "-Cprefer-dynamic=no")}


def compiled(folder: Path, name: str, source: str, *flags: str) -> Path:
    """Compile `source` as the file `name` (its ending tells the language) and return the program."""
    compiler = COMPILERS[Path(name).suffix]
    need(shutil.which(compiler[0]), compiler[0])
    (folder / name).write_text(source)
    made = folder / Path(name).stem
    command = Command(argv=(*compiler, name, "-o", str(made), *flags), cwd=folder)
    finished = SystemRunner().run(command)
    assert finished.ok, finished.stderr.decode()
    return made
