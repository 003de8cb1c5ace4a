"""What verbs that make images print for machines: sizes in bytes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ferrule.verbs.deliver import Delivered, Passed
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


def passed_json(passed: "Passed | None") -> dict[str, Any] | None:
    """What the gate found, null without one: seconds until it was healthy, bytes of memory at rest."""
    if passed is None:
        return None
    return {
        "digest": passed.digest,
        "platform": passed.platform,
        "engine": passed.engine,
        "seconds": passed.seconds and round(passed.seconds, 3),
        "memory": passed.memory,
        "before": passed.before,
    }
