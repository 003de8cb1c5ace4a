"""What a layer holds: its stored bytes go in once, its members come out, checked against its digests."""

import posixpath
import sys
from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from ferrule.errors import ImageError
from ferrule.image.layer_stream import Inflation, LayerError, opened
from ferrule.image.source import LayerSource
from ferrule.image.untar import Member, Source, TarError, members
from ferrule.oci.digest import Digest

MAX_MEMBERS = 400_000
MAX_NAMES = 96 << 20
"""Of one image, members and bytes of memory for their names: more than is right for a look."""

MAX_DEPTH = 200
MAX_KEPT = 1 << 16

NOT_AS_CONFIGURED = "its content is not what the image's configuration says"
HINT = "build, copy or pull the image again"

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


class DamagedLayerError(ImageError):
    """A layer that cannot be read, or is not what it is said to be."""


class LayerContents(msgspec.Struct, frozen=True, kw_only=True):
    """A layer that was read whole. Sizes in bytes: `stored` as it is kept, `size` of its files.

    The members' names are normal: no `.`, no `..`, no slash at either end; the root is the empty name.
    `kept` has the content of those small files that were asked for.
    """

    source: LayerSource
    stored: int
    size: int
    members: tuple[Member, ...]
    kept: Mapping[str, bytes] = msgspec.field(default_factory=dict)


class Budget:
    """What an image may still bring into memory or onto the disk.

    One for all its layers, which may be read side by side.
    """

    def __init__(self, members: int = MAX_MEMBERS, names: int = MAX_NAMES) -> None:
        self.inflation = Inflation()
        self._most = members
        self._members = members
        self._names = names

    def take(self, member: Member) -> None:
        """Count one member; raises `TarError` when there are too many."""
        self.count(member.name, member.target)

    def count(self, *names: str) -> None:
        """The same with the names alone: the member's own, and that of the file that a link leads to."""
        self._members -= 1
        # Not the letters: one beyond the first 65,536 makes each letter of a name four bytes long.
        self._names -= sum(map(sys.getsizeof, names))
        if self._members < 0:
            raise TarError(f"it brings the files to more than {self._most}")
        if self._names < 0:
            raise TarError("the names are too long, all together")


def read_contents(source: LayerSource, budget: Budget, keep: tuple[str, ...] = ()) -> LayerContents:
    """Read the layer once, front to back; `keep` names small files. Raises `DamagedLayerError`."""
    found: list[Member] = []
    kept: dict[str, bytes] = {}
    try:
        with source.open() as raw, opened(raw, budget.inflation) as stream:
            for member in read_members(stream, budget):
                found.append(member)
                if member.name in keep and member.kind == "file" and member.size <= MAX_KEPT:
                    kept[member.name] = stream.read(member.size)
            _check(source, *stream.finish())
            size = sum(member.size for member in found)
            return LayerContents(
                source=source, stored=stream.stored, size=size, members=tuple(found), kept=kept
            )
    except (LayerError, TarError) as error:
        raise DamagedLayerError(f"{source.name}: {error}", hint=HINT) from error
    except OSError as error:
        raise DamagedLayerError(
            f"{source.name} cannot be read: {error.strerror or error}", hint=HINT
        ) from error


def _check(source: LayerSource, stored: Digest, plain: Digest) -> None:
    if source.digest not in (None, stored):
        raise LayerError("it is not what its digest says")
    if plain != source.diff_id:
        raise LayerError(NOT_AS_CONFIGURED)


def normal(name: str) -> str:
    """A member's name without `.`, `..` and slashes at its ends. Raises `TarError` when it climbs out."""
    path = posixpath.normpath(name.strip("/") or ".")
    if path == ".." or path.startswith("../"):
        raise TarError(f"the name {name[:100]!r} in it climbs out of the root")
    if path.count("/") > MAX_DEPTH:
        raise TarError(f"its folders are nested more than {MAX_DEPTH} deep")
    return "" if path == "." else path


def read_members(source: Source, budget: Budget) -> Iterator[Member]:
    """Every member with a normal name, counted. Raises `TarError` for what no layer may hold."""
    for member in members(source):
        budget.take(member)
        name = normal(member.name)
        hidden = name.rpartition("/")[2]
        if not name and member.kind != "dir":
            raise TarError("it replaces the root by something that is no folder")
        if hidden in (WHITEOUT, f"{WHITEOUT}.", f"{WHITEOUT}.."):
            raise TarError(f"{hidden} names nothing that can be removed")
        target = normal(member.target) if member.kind == "hard link" else member.target
        same = name == member.name and target == member.target
        yield member if same else replace(member, name=name, target=target)
