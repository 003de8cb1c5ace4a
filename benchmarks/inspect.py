"""`ferrule inspect` of an image of 1 GB beside dive, which reads every layer whole as well.

The image is an archive as docker saves it, of machine code of this machine in five layers, each compressed as
docker does: one gzip member at zlib's level 6. The targets are absolute: 5 seconds and 200 MB of memory.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from statistics import median

from benchmarks.programs import elf_files
from benchmarks.rounds import judge
from ferrule.image.archive import write_archive
from ferrule.oci.reference import parse_reference
from tests.cli.measure import Measured, ferrule_measured, measured
from tests.fakes.images import entry, image_of, tar_of

LAYERS, LAYER_BYTES = 5, 200_000_000
LARGEST_FILE = 8_000_000
ROUNDS = 5
MOST_SECONDS, MOST_MEGABYTES = 5.0, 200.0
DIVE = Path(sys.executable).with_name("dive")


def run() -> None:
    """Make the image, and let both read it in turns."""
    with tempfile.TemporaryDirectory(prefix="ferrule-bench-") as folder:
        place = Path(folder) / "place"
        place.mkdir()
        write_archive(
            image_of(place / "layout", _layers()), (parse_reference("large:1"),), place / "image.tar"
        )
        ferrule, dive = _rounds(place)
        stored = (place / "image.tar").stat().st_size
    print(f"\ninspect of {LAYERS * LAYER_BYTES:,} bytes in {LAYERS} layers, {stored:,} stored", end="")
    print(f" (median of {ROUNDS} interleaved rounds)")
    for name, found in (("ferrule inspect", ferrule), ("dive --json", dive)):
        print(f"  {name:<26} {_seconds(found):>9.2f} s {_megabytes(found):>9.1f} MB")
    judge("5 seconds", _seconds(ferrule), MOST_SECONDS, target=1.0)
    judge("200 MB of memory", _megabytes(ferrule), MOST_MEGABYTES, target=1.0)
    judge("dive's time", _seconds(ferrule), _seconds(dive), target=1.0)


def _rounds(place: Path) -> tuple[list[Measured], list[Measured]]:
    def ours() -> Measured:
        return ferrule_measured("inspect", "docker-archive:image.tar", place=place)

    def theirs() -> Measured:
        return measured(DIVE, "--source", "docker-archive", "image.tar", "--json", "dive.json", place=place)

    found: tuple[list[Measured], list[Measured]] = ([], [])
    for _ in range(ROUNDS):
        for kept, measure in zip(found, (ours, theirs), strict=True):
            kept.append(_done(measure))
    return found


def _done(measure: Callable[[], Measured]) -> Measured:
    done = measure()
    if done.code:
        raise SystemExit(f"it fails:\n{done.out}{done.err}")
    return done


def _seconds(found: list[Measured]) -> float:
    return median(each.seconds for each in found)


def _megabytes(found: list[Measured]) -> float:
    return median(each.peak for each in found) / 1e6


def _layers() -> Iterator[bytes]:
    """The ELF files of this machine, from the first again where they are not enough."""
    files = cycle(tuple(elf_files()))
    for number in range(LAYERS):
        entries, room = [], LAYER_BYTES
        while room:
            path = next(files)
            data = path.read_bytes()[: min(room, LARGEST_FILE)]
            entries.append(entry(f"layer{number}{path}", data, mode=0o755))
            room -= len(data)
        yield tar_of(entries)
