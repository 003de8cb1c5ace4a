"""Packing a large file needs little memory, whatever its size."""

import os
import subprocess  # noqa: TID251 - a process of its own, so that its peak is its own
import sys
from pathlib import Path

MEGABYTE = 1 << 20
FILE_BYTES = 500 * MEGABYTE
MOST_KILOBYTES = 150 * 1024

PACK = """
import re, sys
from pathlib import Path, PurePosixPath
from ferrule.base.entry import FileEntry
from ferrule.image.layer import LayerSpec, make_layer
from ferrule.image.store import BlobStore

entry = FileEntry(path=PurePosixPath("/app/large"), kind="file", source=Path(sys.argv[1]))
layer = make_layer(LayerSpec(title="large", entries=(entry,)), BlobStore(Path(sys.argv[2])), mtime=0)
# Not ru_maxrss: that begins with the memory of the process that forked this one.
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(layer.size, layer.descriptor.size, peak[1])
"""


def test_packing_500_mb_takes_at_most_150_mb_of_memory(tmp_path: Path) -> None:
    noise = os.urandom(MEGABYTE)
    with (tmp_path / "large").open("wb") as stream:
        for _ in range(FILE_BYTES // MEGABYTE):
            stream.write(noise)
    argv = (sys.executable, "-c", PACK, str(tmp_path / "large"), str(tmp_path / "store"))
    finished = subprocess.run(argv, capture_output=True, text=True, check=True)
    (tmp_path / "large").unlink()
    unpacked, packed, peak = map(int, finished.stdout.split())
    assert unpacked > FILE_BYTES
    assert packed > FILE_BYTES
    assert peak <= MOST_KILOBYTES
