"""Names for programs that run on."""

import pytest

from ferrule.engine.name import name_after, parse_name
from ferrule.errors import InvalidValueError


@pytest.mark.parametrize("text", ["web", "web-1", "0_a.B", "a" * 63])
def test_names_are_dockers(text: str) -> None:
    assert parse_name(text) == text


@pytest.mark.parametrize(
    "text", ["", "a", "-web", ".web", "../web", "we/b", "w b", "w\u00fc", "a" * 64, "web\n"]
)
def test_what_no_engine_takes_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a name for a running program"):
        parse_name(text)


@pytest.mark.parametrize(
    ("image", "stem"),
    [
        ("shop:latest", "shop"),
        ("127.0.0.1:5000/acme/shop_2@sha256:00", "shop-2"),
        ("oci:/tmp/x", "x"),
        ("sha256:00", "sha256"),
        ("___", "ferrule"),
        ("a" * 99, "a" * 56),
    ],
)
def test_a_name_that_is_not_given_follows_from_the_image(image: str, stem: str) -> None:
    name = name_after(image)
    assert parse_name(name).startswith(f"{stem}-")
    assert name != name_after(image)
