"""What the tests of package records share: files of a donor go in, texts of the image come out."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ferrule.base.owned import Owned
from ferrule.base.packages import Records, records_of
from tests.fakes.trees import Content, tree

LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"
LIBZ = "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13"


def records(root: Path, files: Mapping[str, Content], *places: str) -> Records:
    """The records of files that are in the image where the donor has them."""
    own = {PurePosixPath(place): (PurePosixPath(place),) for place in places}
    return records_of(own, tree(root, files), "the donor")


def texts(found: Records | Owned) -> dict[str, str]:
    sources = {str(entry.path): entry.source for entry in found.entries}
    return {path: source.decode() for path, source in sources.items() if isinstance(source, bytes)}
