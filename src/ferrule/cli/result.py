"""What verbs that make images print for machines: sizes in bytes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ferrule.verbs.deliver import Delivered
    from ferrule.verbs.image import Made


def image_json(made: "Made") -> dict[str, Any]:
    """One image."""
    image = made.image
    return {
        "digest": image.descriptor.digest,
        "platform": str(image.config.platform),
        "base": made.base,
        "size": {"unpacked": made.unpacked, "compressed": image.compressed_size},
        "layers": [{"digest": layer.digest, "size": layer.size} for layer in image.layers],
    }


def destinations_json(delivered: "tuple[Delivered, ...]") -> list[dict[str, Any]]:
    """Where it went; `platform` where a destination took one of several."""
    return [
        {"kind": done.kind, "line": done.line} | ({"platform": done.platform} if done.platform else {})
        for done in delivered
    ]
