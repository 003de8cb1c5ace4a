"""A host for blobs, as registries in a cloud have one: a folder goes in, an address comes out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class BlobHost:
    """`url` is what docker-registry's redirect wants; `authorizations` has one entry per request."""

    url: str
    authorizations: list[str | None] = field(default_factory=list)


@contextmanager
def blob_host(folder: Path) -> Iterator[BlobHost]:
    """Serve the folder's files until the block ends."""
    seen: list[str | None] = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type] # what the server hands in

        def do_GET(self) -> None:
            seen.append(self.headers.get("authorization"))
            super().do_GET()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            # Its trailing slash matters: the registry appends a path.
            yield BlobHost(url=f"http://127.0.0.1:{server.server_address[1]}/", authorizations=seen)
        finally:
            server.shutdown()
            thread.join()
