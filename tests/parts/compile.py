"""Small programs for tests, compiled by this machine's compilers."""

import shutil
from pathlib import Path

from ferrule.process import Command, SystemRunner
from tests.parts.need import need

COMPILERS = {".c": ("gcc",), ".cc": ("g++",), ".rs": ("rustc", "-Cprefer-dynamic=no")}


def compiled(folder: Path, name: str, source: str, *flags: str, compiler: str | None = None) -> Path:
    """Compile `source` as the file `name` and return the program. The name's ending tells the compiler."""
    argv = (compiler,) if compiler else COMPILERS[Path(name).suffix]
    need(shutil.which(argv[0]), argv[0])
    (folder / name).write_text(source)
    made = folder / Path(name).stem
    command = Command(argv=(*argv, name, "-o", str(made), *flags), cwd=folder)
    finished = SystemRunner().run(command)
    assert finished.ok, finished.stderr.decode()
    return made
