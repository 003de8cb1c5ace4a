"""Docker's stream of both outputs goes in, the bytes come out on ours. Engine API, section Stream format."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ferrule.errors import EngineError, OutputError

HEADER = 8
STDERR = 2


def copy_output(chunks: Iterable[bytes], stdout: BinaryIO, stderr: BinaryIO) -> bool:
    """Write as it comes; False when our own reader is gone, and the rest is unread."""
    try:
        for source, data in _frames(chunks):
            target = stderr if source == STDERR else stdout
            target.write(data)
            target.flush()
    except BrokenPipeError:
        return False
    except OSError as error:
        raise OutputError(f"the program's output cannot be written: {error.strerror}") from error
    return True


def _frames(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(1 or 2, bytes): pieces of frames, handed on before a frame is complete, so that none is kept."""
    buffer = b""
    source = left = 0
    for chunk in chunks:
        buffer += chunk
        while buffer:
            if not left:
                if len(buffer) < HEADER:
                    break
                source, left = _header(buffer[:HEADER])
                buffer = buffer[HEADER:]
            piece, buffer = buffer[:left], buffer[left:]
            left -= len(piece)
            if piece:
                yield source, piece


def _header(header: bytes) -> tuple[int, int]:
    if header[0] > STDERR or any(header[1:4]):
        raise EngineError("docker's output is not in its own format")
    return header[0], int.from_bytes(header[4:], "big")
