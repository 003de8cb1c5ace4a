"""Where the path of a layout ends and its tag begins: what is there decides."""

from pathlib import Path

import pytest

from ferrule.errors import UsageError
from ferrule.oci.platform import parse_platform
from ferrule.verbs.find_image import find_image
from ferrule.verbs.open_image import open_image, split_place
from tests.cargo_projects import context_of
from tests.fakes.images import entry, image_of, tar_of

AMD64 = parse_platform("linux/amd64")


@pytest.mark.parametrize(
    ("text", "path", "tag"),
    [
        ("image", "image", None),
        ("image:v1", "image", "v1"),
        ("image:", "image", None),
        ("image:ghcr.io/acme/shop:v1", "image", "ghcr.io/acme/shop:v1"),
        ("a:b/image", "a:b/image", None),
        ("a:b/image:v1", "a:b/image", "v1"),
        ("nowhere", "nowhere", None),
        ("nowhere:v1", "nowhere", "v1"),
        ("nowhere/a:b:v1", "nowhere/a", "b:v1"),
    ],
)
def test_a_path_ends_where_something_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, path: str, tag: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    for place in ("image", "a:b/image"):
        (tmp_path / place).mkdir(parents=True)
    assert split_place(text) == (Path(path), tag)


def test_what_is_written_to_a_folder_with_a_colon_is_read_from_it(tmp_path: Path) -> None:
    place = tmp_path / "a:b" / "image"
    image_of(place, [tar_of([entry("x")])])
    context = context_of(tmp_path)
    opened = open_image(context, f"oci:{place}", AMD64)
    with find_image(context, f"oci:{place}", AMD64) as found:
        assert found.digest == opened.descriptor.digest


def test_no_path_at_all_is_a_wrong_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no path behind the colon"):
        open_image(context_of(tmp_path), "oci:", AMD64)
