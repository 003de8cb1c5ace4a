"""What a request carries: bytes or a file go in, chunks come out, as often as the request has to be sent."""

from collections.abc import Iterator
from pathlib import Path

from ferrule.errors import FerruleError
from ferrule.registry.parallel import raise_if_stopped

CHUNK = 1 << 18


class Body:
    """Bytes, or a file that is read while it is sent. `size` is in bytes."""

    def __init__(self, source: bytes | Path, size: int) -> None:
        self._source = source
        self.size = size

    def chunks(self) -> Iterator[bytes]:
        """The content from its start. Raises `FerruleError` when the file cannot be read."""
        if isinstance(self._source, bytes):
            yield self._source
            return
        try:
            with self._source.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    raise_if_stopped()
                    yield chunk
        except OSError as error:
            raise FerruleError(
                f"cannot read {self._source}: {error.strerror}", hint="was it removed meanwhile?"
            ) from error
