"""An engine on the bench: contents of an image go in, what its program said comes out."""

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferrule.engine.engine import Engine, Running, RunRequest, run
from ferrule.image.archive import write_archive
from ferrule.oci.reference import parse_reference
from tests.fakes.images import entry, folder, image_of, tar_of
from tests.parts.debian import run as run_tool
from tests.parts.need import need

SOURCE = Path(__file__).with_name("program.c")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a program ended, and what it wrote."""

    code: int
    out: str
    err: str

    def all(self, word: str) -> list[str]:
        """What the program said behind the word, line by line."""
        return re.findall(rf"^{word} (.*)$", self.out, re.MULTILINE)

    def one(self, word: str) -> str:
        (found,) = self.all(word)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """An engine, and a folder for what it is given."""

    engine: Engine
    folder: Path
    program: bytes

    def image(self, *entries: Any, **config: Any) -> RunRequest:
        """An image with the program as /program and further entries; the engine can run it."""
        layer = tar_of((folder("tmp", 0o1777), entry("program", self.program, mode=0o755), *entries))
        name = f"bench-{secrets.token_hex(4)}:1"
        image = image_of(self.folder / name[:14], [layer], **{"Entrypoint": ["/program"], **config})
        if self.engine.loader is not None:
            archive = self.folder / "archive.tar"
            docker_only = self.engine.loader.drops_health
            write_archive(image, (parse_reference(name),), archive, docker_only=docker_only)
            (loaded,) = self.engine.loader.load(archive)
            assert loaded.rpartition("/")[2] == name
        return RunRequest(name=name, image=image, network="host")

    def run(self, request: RunRequest) -> Outcome:
        """Run to the end."""
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            code = run(self.engine, request, stdout=out, stderr=err)
        return Outcome(code=code, out=self.said(), err=(self.folder / "err").read_text())

    @contextlib.contextmanager
    def running(self, request: RunRequest) -> Iterator[Running]:
        """Run while the block lasts."""
        with (
            (self.folder / "out").open("wb") as out,
            (self.folder / "err").open("wb") as err,
            self.engine.start(request, stdout=out, stderr=err) as running,
        ):
            yield running

    def said(self) -> str:
        """What the program has written on stdout up to now."""
        return (self.folder / "out").read_text()


def compile_program(place: Path) -> bytes:
    """The tests' program as a static binary."""
    need(SOURCE.exists(), "the program's source")
    binary = place / "program"
    run_tool("gcc", "-static", "-Os", "-s", "-o", str(binary), str(SOURCE))
    return binary.read_bytes()
