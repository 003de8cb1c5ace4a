"""The stored bytes of a layer go in, those of its tar come out; both digests are taken on the way."""

import hashlib
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import BinaryIO

import deflate

from ferrule.oci.digest import Digest

CHUNK = 1 << 18
OUTPUT = 1 << 20
BEHIND = 4
"""How many pieces the hashing may be behind: memory stays bounded."""

MEMBER = 1 << 20
"""Gzip members up to this many bytes are uncompressed at once; ours are no longer."""

GZIP = b"\x1f\x8b\x08"
"""How a member of gzip begins: its magic, and the one method that there is."""

MAX_BYTES = 64 << 30
BOMB_BYTES, BOMB_RATIO = 1 << 30, 200
"""Beyond this many bytes layers may not unpack to more than 200 times their size; real ones reach 10."""

MAX_WINDOW_LOG = 25
"""zstd keeps a window of 2 to this many bytes in memory; its levels up to 19 use at most 8 MiB."""

ENDS_EARLY = "its compression ends before its content does"
DAMAGED = "its compression is damaged"
LARGE_WINDOW = f"its compression wants too much memory: more than {1 << MAX_WINDOW_LOG - 20} MiB"


class LayerError(ValueError):
    """The bytes cannot be uncompressed."""


class Inflation:
    """What all layers of an image together unpack to. Threads may share it: a lost count does no harm."""

    def __init__(self) -> None:
        self._stored = 0
        self._plain = 0

    def count(self, stored: int, plain: int) -> None:
        """Add bytes as they are stored, and what came out of them. Raises `LayerError` for a bomb."""
        self._stored += stored
        self._plain += plain
        if self._plain > MAX_BYTES:
            raise LayerError(f"with it the image has more than {MAX_BYTES >> 30} GiB")
        if self._plain > BOMB_BYTES and self._plain > BOMB_RATIO * self._stored:
            raise LayerError(f"with it the image unpacks to more than {BOMB_RATIO} times its size")


class LayerStream:
    """A layer's tar, readable forward once. Made by `opened`."""

    def __init__(self, raw: "_Hashed", pieces: Iterator[bytes | bytearray], plain: "_Hasher") -> None:
        self._raw = raw
        self._pieces = pieces
        self._plain = plain
        self._piece = memoryview(b"")
        self.position = 0

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""
        if len(self._piece) >= size:
            self.position += size
            data, self._piece = self._piece[:size], self._piece[size:]
            return bytes(data)
        return b"".join(self.parts(size))

    def skip(self, size: int) -> bool:
        """Pass over bytes; whether there were as many."""
        return sum(map(len, self.parts(size))) == size

    def parts(self, size: int) -> Iterator[memoryview]:
        """The next bytes as they come, without a copy; fewer only at the end."""
        while size:
            if not self._piece:
                piece = next(self._pieces, b"")
                if not piece:
                    return
                self._plain.update(piece)
                self._piece = memoryview(piece)
            part, self._piece = self._piece[:size], self._piece[size:]
            self.position += len(part)
            size -= len(part)
            yield part

    def finish(self) -> tuple[Digest, Digest]:
        """Read to the end: the digest of the stored bytes, and that of the tar."""
        while self.skip(OUTPUT):
            pass
        return self._raw.digest(), self._plain.digest()

    @property
    def stored(self) -> int:
        """How many stored bytes have been read."""
        return self._raw.size


@contextmanager
def opened(raw: BinaryIO, inflation: Inflation) -> Iterator[LayerStream]:
    """A stream over a layer that is not compressed, or by gzip or zstd: the first bytes tell.

    Reading it raises `LayerError` for damaged compression and for content beyond all bounds.
    """
    hashing = _Hashing()
    try:
        stored = _Hashed(raw, _Hasher(hashing))
        plain = _Hasher(hashing)
        yield LayerStream(stored, _bounded(_pieces(stored), stored, inflation), plain)
    finally:
        hashing.end()


class _Hashing:
    """A thread that takes digests: hashing and inflating go side by side."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._done: SimpleQueue[None] = SimpleQueue()
        self._behind = 0
        self._thread = Thread(target=self._run, name="layer digest")
        self._thread.start()

    def submit(self, work: Callable[[], None]) -> None:
        """Have it done, behind all that was submitted before."""
        self._work.put(work)
        self._behind += 1
        self._await(BEHIND)

    def wait(self) -> None:
        """Until all is done."""
        self._await(0)

    def end(self) -> None:
        self._work.put(None)
        self._thread.join()

    def _await(self, behind: int) -> None:
        while self._behind > behind:
            self._done.get()
            self._behind -= 1

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            self._done.put(None)


class _Hasher:
    """A digest that is taken in the other thread."""

    def __init__(self, hashing: _Hashing) -> None:
        self._hashing = hashing
        self._hash = hashlib.sha256()

    def update(self, data: bytes | bytearray) -> None:
        self._hashing.submit(partial(self._hash.update, data))

    def digest(self) -> Digest:
        self._hashing.wait()
        return Digest(f"sha256:{self._hash.hexdigest()}")


class _Hashed:
    def __init__(self, raw: BinaryIO, hasher: _Hasher) -> None:
        self._raw = raw
        self._hasher = hasher
        self.size = 0

    def read(self) -> bytes:
        data = self._raw.read(CHUNK)
        if data:
            self.size += len(data)
            self._hasher.update(data)
        return data

    def digest(self) -> Digest:
        while self.read():
            pass
        return self._hasher.digest()


def _pieces(raw: _Hashed) -> Iterator[bytes | bytearray]:
    data = raw.read()
    part = next((part for magic, part in PARTS.items() if data.startswith(magic)), None)
    while data and part is None:
        yield data
        data = raw.read()
    while data and part is not None:
        data = (yield from part(raw, data)) or raw.read()


def _gzip_member(raw: _Hashed, data: bytes) -> Generator[bytes | bytearray, None, bytes]:
    """One member of a gzip file, RFC 1952; returns what has been read beyond it.

    libdeflate takes a fourth of zlib's time, but only of whole members.
    """
    data, end = _until_next(raw, data)
    whole = _whole_member(data, end)
    if whole is not None:
        yield whole
        return data[end:]
    inflate = zlib.decompressobj(wbits=31)
    while True:
        try:
            piece = inflate.decompress(data, OUTPUT)
        except zlib.error as error:
            raise LayerError(DAMAGED) from error
        if piece:
            yield piece
        if inflate.eof:
            return inflate.unused_data
        data = inflate.unconsumed_tail or raw.read()
        if not (data or piece):
            raise LayerError(ENDS_EARLY)


def _until_next(raw: _Hashed, data: bytes) -> tuple[bytes, int]:
    """Read on until the next member seems to begin, or to the end; no longer than one may be. And where."""
    seen = 1
    while True:
        end = data.find(GZIP, seen)
        if end > 0:
            return data, end
        seen = max(1, len(data) - len(GZIP) + 1)
        more = raw.read() if len(data) < MEMBER + CHUNK else b""
        if not more:
            return data, len(data)
        data += more


def _whole_member(data: bytes, end: int) -> bytearray | None:
    """The content of a member that ends there, and has begun where the data does; None if that is not sure.

    libdeflate does not say where a member has ended. It has checked the eight bytes there, the checksum and
    the size of the content: where these are the last ones, and nowhere else, it has ended with them.
    """
    size = int.from_bytes(data[end - 4 : end], "little")
    if not 0 < size <= MEMBER:
        return None
    try:
        content: bytearray = deflate.gzip_decompress(memoryview(data)[:end], size)
    except (deflate.DeflateError, ValueError):  # damaged, or too short for one
        return None
    last = deflate.crc32(content).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    is_whole = data.endswith(last, 0, end) and data.rfind(last, 0, end - 1) < 0
    return content if is_whole else None


def _zstd_frame(raw: _Hashed, data: bytes) -> Generator[bytes, None, bytes]:
    """One frame of a zstd file, RFC 8878; returns what has been read beyond it."""
    if sys.version_info >= (3, 14):
        from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
    else:
        from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
    frame = ZstdDecompressor(options={DecompressionParameter.window_log_max: MAX_WINDOW_LOG})
    while True:
        try:
            piece = frame.decompress(data, OUTPUT)
        except ZstdError as error:
            large = "too much memory" in str(error)
            raise LayerError(LARGE_WINDOW if large else DAMAGED) from error
        if piece:
            yield piece
        if frame.eof:
            return frame.unused_data
        data = raw.read() if frame.needs_input else b""
        if frame.needs_input and not data:
            raise LayerError(ENDS_EARLY)


SKIPPABLE = tuple(bytes((0x50 + number, 0x2A, 0x4D, 0x18)) for number in range(16))
"""How zstd's frames without content begin: those of several threads (pzstd) stand in front of the others."""

PARTS = {b"\x1f\x8b": _gzip_member, **dict.fromkeys((b"\x28\xb5\x2f\xfd", *SKIPPABLE), _zstd_frame)}
"""How a compressed layer begins → what uncompresses one part of it."""


def _bounded(
    pieces: Iterator[bytes | bytearray], stored: _Hashed, inflation: Inflation
) -> Iterator[bytes | bytearray]:
    counted = 0
    for piece in pieces:
        inflation.count(stored.size - counted, len(piece))
        counted = stored.size
        yield piece
