import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.engine.docker_output import copy_output
from ferrule.errors import EngineError, OutputError

FRAMES = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8)


def framed(source: int, data: bytes) -> bytes:
    return bytes((source, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


@given(frames=FRAMES, cuts=st.lists(st.integers(1, 20), max_size=30))
def test_the_streams_come_apart_however_the_bytes_arrive(
    frames: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    whole = b"".join(framed(source, data) for source, data in frames)
    chunks = []
    for cut in cuts:
        chunks.append(whole[:cut])
        whole = whole[cut:]
    out, err = io.BytesIO(), io.BytesIO()
    assert copy_output([*chunks, whole], out, err)
    assert out.getvalue() == b"".join(data for source, data in frames if source == 1)
    assert err.getvalue() == b"".join(data for source, data in frames if source == 2)


def test_a_piece_is_written_before_its_frame_is_complete() -> None:
    out = io.BytesIO()
    seen = []

    def arriving() -> Iterator[bytes]:
        for chunk in (framed(1, b"abcdef")[:11], b"def"):
            yield chunk
            seen.append(out.getvalue())

    copy_output(arriving(), out, io.BytesIO())
    assert seen == [b"abc", b"abcdef"]


@pytest.mark.parametrize("start", [b"HTTP/1.1 ", b"\x03\0\0\0\0\0\0\x01x", b"\x01\0\0\x01\0\0\0\x01x"])
def test_what_is_no_frame_is_refused(start: bytes) -> None:
    with pytest.raises(EngineError, match="not in its own format"):
        copy_output([start], io.BytesIO(), io.BytesIO())


def test_a_reader_that_is_gone_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        assert not copy_output([framed(1, b"x")], pipe, io.BytesIO())


def test_a_full_disk_is_an_error_of_the_output() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OutputError, match="No space left"):
        copy_output([framed(2, b"x")], io.BytesIO(), full)
