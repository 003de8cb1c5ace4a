"""A stream that counts: no file, however it is made, can have us read for ever or fill the memory."""

from typing import BinaryIO

MAX_READS = 1_000_000
MAX_BYTES = 64 << 20
"""Node, which exports its whole engine, takes 130,000 reads: pyelftools unpacks hash tables as well."""


class BoundedStream:
    """What pyelftools needs of a file. Raises `ValueError` when the headers make us read too much."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._reads = 0
        self._bytes = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """As files have it."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """As files have it."""
        return self._stream.tell()

    def read(self, count: int) -> bytes:
        """At most `count` bytes, counted before they are read: a damaged size may be of any number."""
        self._reads += 1
        self._bytes += count
        if not 0 <= count <= MAX_BYTES or self._bytes > MAX_BYTES or self._reads > MAX_READS:
            raise ValueError("the headers lead in circles")
        return self._stream.read(count)
