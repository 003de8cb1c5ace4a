"""gzip whose bytes depend on the input alone: libdeflate, in members of 1 MiB, on all cores.

gzip (RFC 1952, section 2.2) is a sequence of members; every reader of layers takes several. Members of a
fixed size bound the memory and can be compressed side by side, and the bytes do not depend on how many cores
did it. libdeflate gave the same bytes on every processor and version tried, which zlib and its kin did not.
"""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

import deflate

LEVEL = 6
MEMBER = 1 << 20
COMPRESSOR = f"libdeflate-{LEVEL}-{MEMBER}"
"""Names the bytes: part of every cache key."""


class Sink(Protocol):
    """Takes bytes in order."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Append."""
        ...


class GzipWriter:
    """Takes the uncompressed stream and hands the members to `sink` in order."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._member = bytearray(MEMBER)
        self._filled = 0
        self._workers = max(1, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._workers)
        self._pending: deque[Future[bytes]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def write(self, data: bytes | memoryview, /) -> int:
        """Append to the stream; may wait for a compressor, so that memory stays bounded."""
        left = memoryview(data)
        while left:
            piece = left[: MEMBER - self._filled]
            self._member[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            left = left[len(piece) :]
            if self._filled == MEMBER:
                # Each member has a buffer of its own: no byte is copied more than once.
                full, self._member, self._filled = self._member, bytearray(MEMBER), 0
                self._submit(full)
        return len(data)

    def _submit(self, member: bytearray) -> None:
        self._pending.append(self._pool.submit(_compress, member))
        if len(self._pending) > 2 * self._workers:
            self._sink.write(self._pending.popleft().result())

    def _finish(self) -> None:
        if self._filled:
            self._submit(self._member[: self._filled])
        while self._pending:
            self._sink.write(self._pending.popleft().result())


def _compress(member: bytearray) -> bytes:
    return bytes(deflate.gzip_compress(member, LEVEL))
