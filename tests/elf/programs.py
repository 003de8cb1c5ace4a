"""Real binaries for the tests: a few lines of C, compiled once in every way that matters to a loader."""

from pathlib import Path

from ferrule.process import Command, SystemRunner
from tests.parts.need import need

SOURCE = '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n'
WAYS = {
    "dynamic": (),
    "stripped": ("-s",),
    "fixed": ("-no-pie",),
    "static": ("-static",),
    "static-pie": ("-static-pie",),
    "library": ("-shared", "-fPIC", "-Wl,-soname,libx.so.1"),
    "nameless-library": ("-shared", "-fPIC"),
    "without-build-id": ("-Wl,--build-id=none",),
    "rpath": ("-Wl,--disable-new-dtags,-rpath,/opt/a:$ORIGIN/b",),
    "runpath": ("-Wl,--enable-new-dtags,-rpath,/opt/a:$ORIGIN/b",),
}
"""Name of the file → what the compiler is told."""


def compile_all(folder: Path) -> Path:
    """Make a binary of each of the `WAYS` in the folder."""
    source = folder / "main.c"
    source.write_text(SOURCE)
    for name, flags in WAYS.items():
        argv = ("gcc", "-o", str(folder / name), str(source), *flags)
        finished = SystemRunner().run(Command(argv=argv))
        need(finished.ok, f"a C compiler with static libraries: {finished.stderr.decode()}")
    return folder
