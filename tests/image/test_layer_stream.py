"""The stored bytes of a layer go in, those of its tar come out, with the digests of both."""

import gzip
import io
import random
import sys
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrule.image import layer_stream
from ferrule.image.layer_stream import (
    BOMB_BYTES,
    BOMB_RATIO,
    MAX_BYTES,
    MEMBER,
    Inflation,
    LayerError,
    opened,
)
from ferrule.oci.digest import digest_of
from tests.fakes.images import entry, tar_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN = tar_of([entry("a", bytes(range(256)) * 40), entry("b", b"b" * 300_000)])
NOISE = random.Random(0).randbytes(3 * MEMBER + 7)
MEMBERS = tuple(gzip.compress(NOISE[at : at + MEMBER]) for at in range(0, len(NOISE), MEMBER))
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0toc!"
"""A zstd frame without content: zstd:chunked layers end with one."""

STORED = {
    "plain": PLAIN,
    "gzip": gzip.compress(PLAIN),
    "gzip in parts": b"".join(gzip.compress(PLAIN[at : at + 1000]) for at in range(0, len(PLAIN), 1000)),
    "gzip with a name": b"\x1f\x8b\x08\x08\0\0\0\0\0\3name\0" + gzip.compress(PLAIN)[10:],
    "zstd": zstd.compress(PLAIN),
    "zstd in frames": zstd.compress(PLAIN[:7000]) + zstd.compress(PLAIN[7000:]),
    "zstd with a table": zstd.compress(PLAIN) + SKIPPABLE,
    "zstd with a table in front": b"\x5f" + SKIPPABLE[1:] + zstd.compress(PLAIN),
    "zstd and nothing": zstd.compress(PLAIN) + zstd.compress(b""),
}


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("size", [1, 511, 1 << 20])
def test_what_comes_out_is_the_tar_however_it_is_stored_and_read(name: str, size: int) -> None:
    found: list[bytes] = []
    with opened(io.BytesIO(STORED[name]), Inflation()) as stream:
        while data := stream.read(size if len(found) < 2000 else 1 << 16):
            found.append(data)
        assert stream.position == len(PLAIN)
        assert stream.finish() == (digest_of(STORED[name]), digest_of(PLAIN))
        assert stream.stored == len(STORED[name])
    assert b"".join(found) == PLAIN


@pytest.mark.parametrize("name", STORED)
def test_what_is_passed_over_counts_for_the_digests(name: str) -> None:
    with opened(io.BytesIO(STORED[name]), Inflation()) as stream:
        assert stream.skip(100_000)
        assert stream.read(4) == PLAIN[100_000:100_004]
        assert not stream.skip(len(PLAIN))
        assert stream.finish() == (digest_of(STORED[name]), digest_of(PLAIN))


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b"".join(MEMBERS), id="members as long as ours"),
        pytest.param(gzip.compress(NOISE), id="one that is longer"),
        pytest.param(gzip.compress(NOISE[:-9]) + gzip.compress(NOISE[-9:]), id="a short one behind it"),
        pytest.param(gzip.compress(NOISE[:9]) + gzip.compress(NOISE[9:]), id="a short one before it"),
    ],
)
def test_members_of_any_size_come_out_as_they_went_in(stored: bytes) -> None:
    with opened(io.BytesIO(stored), Inflation()) as stream:
        assert stream.read(len(NOISE) + 1) == NOISE
        assert stream.finish() == (digest_of(stored), digest_of(NOISE))


def test_what_looks_like_a_member_inside_of_one_is_content() -> None:
    content = b"before" + gzip.compress(b"inside") + b"behind"
    stored = gzip.compress(content, compresslevel=0) + gzip.compress(content, compresslevel=0)
    with opened(io.BytesIO(stored), Inflation()) as stream:
        assert stream.read(3 * len(content)) == 2 * content


@pytest.mark.parametrize("behind", [b"", gzip.compress(b"a member")], ids=["last", "before another"])
def test_bytes_between_members_are_refused_also_behind_the_end_of_one_twice(behind: bytes) -> None:
    member = gzip.compress(PLAIN)
    with pytest.raises(LayerError, match="damaged"):
        drained(member + b"more" + member[-8:] + behind)


def drained(stored: bytes) -> int:
    with opened(io.BytesIO(stored), Inflation()) as stream:
        stream.finish()
        return stream.position


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (gzip.compress(PLAIN)[:-1], "ends before its content"),
        (gzip.compress(PLAIN)[:15], "ends before its content"),
        (gzip.compress(PLAIN) + b"more", "damaged"),
        (gzip.compress(PLAIN)[:-6] + bytes(6), "^its compression is damaged$"),
        (b"\x1f\x8b", "ends before its content"),
        (zstd.compress(PLAIN)[:-1], "ends before its content"),
        (zstd.compress(PLAIN) + b"more", "damaged"),
        (b"\x28\xb5\x2f\xfd", "ends before its content"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "^its compression is damaged$"),
    ],
)
def test_damaged_compression_is_refused(stored: bytes, says: str) -> None:
    with pytest.raises(LayerError, match=says):
        drained(stored)


def test_the_layers_of_an_image_together_are_no_bomb() -> None:
    inflation = Inflation()
    inflation.count(stored=1, plain=BOMB_BYTES)
    with pytest.raises(LayerError, match="more than 200 times"):
        inflation.count(stored=1, plain=1)
    inflation.count(stored=MAX_BYTES // BOMB_RATIO, plain=MAX_BYTES - BOMB_BYTES - 1)
    with pytest.raises(LayerError, match="more than 64 GiB"):
        inflation.count(stored=0, plain=1)


def read_or_refused(stored: bytes) -> None:
    try:
        assert drained(stored) <= 100 * len(PLAIN)
    except LayerError as error:
        assert "\n" not in str(error)


@settings(max_examples=100, deadline=None)
@given(magic=st.sampled_from([b"", *layer_stream.PARTS]), rest=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(magic: bytes, rest: bytes) -> None:
    read_or_refused(magic + rest)


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from([name for name in STORED if name != "plain"]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=4),
    keep=st.just(1.0) | st.floats(0, 1),
)
def test_damaged_layers_are_read_or_refused(
    name: str, changes: list[tuple[float, bytes]], keep: float
) -> None:
    data = bytearray(STORED[name])
    for place, content in changes:
        start = int(place * len(data))
        data[start : start + len(content)] = content
    read_or_refused(bytes(data[: int(keep * len(data))]))


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.binary(max_size=3000), min_size=1, max_size=5),
    form=st.sampled_from([gzip.compress, zstd.compress, lambda part: zlib.compress(part, wbits=31)]),
    sizes=st.lists(st.integers(0, 4000), max_size=8),
)
def test_parts_come_out_as_they_went_in(parts: list[bytes], form: object, sizes: list[int]) -> None:
    assert callable(form)
    stored, plain = b"".join(map(form, parts)), b"".join(parts)
    with opened(io.BytesIO(stored), Inflation()) as stream:
        found = b"".join(stream.read(size) for size in sizes)
        assert plain.startswith(found)
        assert len(found) == min(sum(sizes), len(plain))
        assert stream.finish() == (digest_of(stored), digest_of(plain))
