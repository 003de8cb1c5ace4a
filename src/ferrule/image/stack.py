"""Layers go in, bottom first; the tree that they add up to comes out, and what upper layers hide of it.

OCI image specification, Image Layer Filesystem Changeset. Paths have no slash at either end; the root is "".
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import msgspec
from msgspec.structs import replace

from ferrule.elf.links import follow
from ferrule.image.contents import MAX_DEPTH, OPAQUE, WHITEOUT
from ferrule.image.untar import Member, TarError


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at a path, and which layer brought it, counted from 0 at the bottom.

    `content` is the node whose bytes it has: another one for a hard link, itself otherwise (None).
    """

    layer: int
    member: Member
    content: "Node | None" = None


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is in the image and that no container sees: the layer `by` removes or replaces it."""

    path: str
    layer: int
    size: int
    by: int
    removed: bool


MAX_WALKED = 48 << 20
"""Bytes of memory for the paths looked at in following links: seconds of work, and far beyond real images."""

MAX_IMPLIED = 100_000
"""Folders that no layer names, though it has files in them."""

FOLDER = Member(name="", kind="dir", mode=0o755)


class Stack:
    """The merged tree, growing layer by layer."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {"": Node(layer=0, member=FOLDER)}
        self.hidden: list[Hidden] = []
        self._children: dict[str, set[str]] = {}
        self._real: dict[str, str] = {}
        self._walked: set[str] = set()
        self._left = MAX_WALKED
        self._implied = 0
        self._layers = 0

    def add(self, members: Sequence[Member]) -> None:
        """Put a layer on top; its members' names are normal. Raises `TarError` for a maze of links."""
        number, self._layers = self._layers, self._layers + 1
        # Whiteouts first: they hide what lower layers have, and nothing of their own layer.
        for member in members:
            folder, _, name = member.name.rpartition("/")
            if name == OPAQUE:
                self._clear(self.real(folder), number)
            elif name.startswith(WHITEOUT):
                gone = _join(self.real(folder), name.removeprefix(WHITEOUT))
                self._take_out(gone, number, removed=True)
        for member in members:
            folder, _, name = member.name.rpartition("/")
            if not name.startswith(WHITEOUT):
                path = _join(self.real(folder), name)
                # Equal texts are kept once: they are most of the memory.
                self._put(member.name if path == member.name else path, number, member)

    def names(self, folder: str) -> tuple[str, ...]:
        """The names in a folder, sorted."""
        return tuple(sorted(path.rpartition("/")[2] for path in self._children.get(folder, ())))

    def real(self, path: str) -> str:
        """The path with every link on its way followed; as it is where links run in a circle."""
        if path and path not in self._real:
            self._real[path] = self._find(path)
        return self._real[path] if path else ""

    def _find(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        if name != "..":
            here = _join(self.real(folder), name)
            if self._target(here) is None:
                return path if here == path else here
        found = follow(PurePosixPath("/", path), lambda place: self._target(str(place).strip("/")))
        return path if found is None else str(found).strip("/")

    def _target(self, here: str) -> str | None:
        """What the link at a path says, whose folder has no links on its way; None where there is no link."""
        self._left -= sys.getsizeof(here)
        if self._left < 0:
            raise TarError("its links take too many steps to follow")
        if here.count("/") > MAX_DEPTH:
            raise TarError(f"its folders are nested more than {MAX_DEPTH} deep")
        self._walked.add(here)
        node = self.nodes.get(here)
        node = node and (node.content or node)
        return node.member.target if node is not None and node.member.kind == "link" else None

    def _forget(self, path: str) -> None:
        """A link has come or gone: the ways that led over this path may lead elsewhere."""
        if path in self._walked:
            self._real.clear()
            self._walked.clear()

    def _put(self, path: str, number: int, member: Member) -> None:
        before = self.nodes.get(path)
        node = Node(layer=number, member=member, content=self._original(member))
        if before is not None and (before.member.kind, member.kind) != ("dir", "dir"):
            self._take_out(path, number, removed=False)
        self._add_parents(path, number)
        self.nodes[path] = node
        if _is_link(node):
            self._forget(path)

    def _original(self, member: Member) -> Node | None:
        if member.kind != "hard link":
            return None
        folder, _, name = member.target.rpartition("/")
        node = self.nodes.get(_join(self.real(folder), name))
        if node is not None and node.member.kind == "dir":
            raise TarError(f"{member.target[:200]!r} is a folder, and has a second name")
        return node and (node.content or node)

    def _add_parents(self, path: str, number: int) -> None:
        while path:
            below, path = path, path.rpartition("/")[0]
            self._children.setdefault(path, set()).add(below)
            if path in self.nodes:
                if self.nodes[path].member.kind != "dir":
                    raise TarError(f"{path[:200]!r} is no folder, and something lies in it")
                return
            self._implied += 1
            if self._implied > MAX_IMPLIED:
                raise TarError(f"it leaves out more than {MAX_IMPLIED} folders of its files")
            self.nodes[path] = Node(layer=number, member=replace(FOLDER, name=path))

    def _clear(self, folder: str, number: int) -> None:
        for path in sorted(self._children.get(folder, ())):
            self._take_out(path, number, removed=True)

    def _take_out(self, path: str, number: int, *, removed: bool) -> None:
        """Forget the path and all below it, and note which files are hidden by that."""
        if path not in self.nodes:
            return
        for gone in (path, *self._take_below(path)):
            node = self.nodes.pop(gone)
            if _is_link(node):
                self._forget(gone)
            if node.member.kind != "dir":
                size, layer = node.member.size, node.layer
                self.hidden.append(Hidden(path=gone, layer=layer, size=size, by=number, removed=removed))
        self._children[path.rpartition("/")[0]].discard(path)

    def _take_below(self, folder: str) -> Iterator[str]:
        """Every path below a folder, which has no children any more; the same order in every run."""
        waiting = [folder]
        while waiting:
            for path in sorted(self._children.pop(waiting.pop(), ())):
                waiting.append(path)
                yield path


def _is_link(node: Node) -> bool:
    return (node.content or node).member.kind == "link"


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
