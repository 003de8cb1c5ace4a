"""Reading an image needs little memory, whatever its size."""

import gzip
import os
from pathlib import Path

from tests.cli.measure import ferrule_measured
from tests.fakes.images import entry, image_of, tar_of
from tests.fakes.layouts import Layout, digest_of

MEGABYTE = 1 << 20
LARGE, LAYERS = 300, 3
"""Megabytes of the large image, in so many layers."""

MOST_BYTES = 100 * MEGABYTE
MOST_MORE = 20 * MEGABYTE
"""The buffers of four layers that are read side by side."""


def test_an_image_of_300_mb_takes_hardly_more_memory_than_a_tiny_one(tmp_path: Path) -> None:
    image_of(tmp_path / "tiny", [tar_of([entry("a", b"a")])] * LAYERS)
    tiny = ferrule_measured("inspect", "oci:tiny", place=tmp_path)
    large_image(tmp_path / "large")
    large = ferrule_measured("inspect", "oci:large", place=tmp_path)

    assert (tiny.code, large.code) == (0, 0), large.err
    assert f"{LARGE * MEGABYTE / 1e6:.1f} MB unpacked" in large.out
    assert large.peak <= tiny.peak + MOST_MORE
    assert large.peak <= MOST_BYTES


def large_image(place: Path) -> None:
    """Half of each file is noise, half is zeros; the compression is the fastest there is."""
    layout = Layout(place)
    part = os.urandom(MEGABYTE // 2) + bytes(MEGABYTE // 2)
    plain = [tar_of([entry(f"{number}", part * (LARGE // LAYERS))]) for number in range(LAYERS)]
    stored = [gzip.compress(layer, 1) for layer in plain]
    layout.offer(layout.image(*stored, diff_ids=tuple(map(digest_of, plain))))
