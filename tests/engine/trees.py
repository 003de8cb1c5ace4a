"""Layers go in, the tree that they add up to comes out."""

import tarfile
from pathlib import Path

from ferrule.engine.unpack import unpack
from ferrule.oci.descriptor import Descriptor
from tests.fakes.images import image_of, tar_of

Entry = tuple[tarfile.TarInfo, bytes]


def unpacked(place: Path, *layers: list[Entry]) -> Path:
    """The root that the layers add up to, in a folder beside others that must stay empty."""
    image = image_of(place / "image", [tar_of(layer) for layer in layers])
    root = place / "a" / "root"
    root.mkdir(parents=True)
    try:
        unpack(image, root)
    finally:
        assert [path.name for path in (place / "a").iterdir()] == ["root"]
        assert {path.name for path in place.iterdir()} <= {"a", "image", "outside"}
    return root


def tree(root: Path) -> dict[str, str]:
    """Every path below the root, with its content, `/` for a folder, or `-> target`."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "/" if path.is_dir() else path.read_text() if path.is_file() else "?"
    return found


class Stored:
    """Blobs that give the same bytes for every layer, whatever its digest."""

    def __init__(self, place: Path, content: bytes) -> None:
        self._place = place
        place.write_bytes(content)

    def path(self, _: Descriptor) -> Path:
        return self._place
