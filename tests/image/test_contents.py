"""Layers are read whole, and against what the image says of them."""

import gzip
import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.image.contents import Budget, DamagedLayerError, normal, read_contents
from ferrule.image.source import LayerSource
from ferrule.image.untar import TarError
from ferrule.oci.digest import Digest, digest_of
from tests.engine.trees import Entry
from tests.fakes.images import entry, folder, hard_link, tar_of


def source_of(plain: bytes, *, says: bytes | None = None, stored_says: bytes | None = None) -> LayerSource:
    """A layer stored as gzip; `says` and `stored_says` are what its digests are of."""
    stored = gzip.compress(plain)
    return LayerSource(
        diff_id=digest_of(plain if says is None else says),
        digest=digest_of(stored if stored_says is None else stored_says),
        open=lambda: io.BytesIO(stored),
    )


def test_a_layer_tells_its_members_sizes_and_the_files_that_were_asked_for() -> None:
    source = source_of(
        tar_of([folder("./etc/"), entry("./etc/os-release", b"ID=x"), hard_link("/b", "./etc/x")])
    )

    contents = read_contents(source, Budget(), ("etc/os-release", "b"))

    assert [(member.name, member.target) for member in contents.members] == [
        ("etc", ""),
        ("etc/os-release", ""),
        ("b", "etc/x"),
    ]
    assert (contents.size, contents.kept) == (4, {"etc/os-release": b"ID=x"})


def test_a_large_file_is_not_kept() -> None:
    assert read_contents(source_of(tar_of([entry("a", b"a" * 100_000)])), Budget(), ("a",)).kept == {}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (source_of(tar_of([entry("a")]), says=b""), "not what the image's configuration says"),
        (source_of(tar_of([entry("a")]), stored_says=b""), "not what its digest says"),
        (source_of(tar_of([entry("../a")])), "climbs out of the root"),
        (source_of(b"x" * 600), "it is no tar"),
    ],
)
def test_a_layer_that_is_another_is_named_by_its_digest(source: LayerSource, says: str) -> None:
    with pytest.raises(DamagedLayerError, match=f"^layer {source.digest}: .*{says}") as caught:
        read_contents(source, Budget())
    assert caught.value.hint


def test_a_layer_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    source = LayerSource(diff_id=Digest("sha256:x"), open=lambda: (tmp_path / "nothing").open("rb"))

    with pytest.raises(DamagedLayerError, match="layer sha256:x cannot be read: No such file"):
        read_contents(source, Budget())


def entries(count: int, name: str = "") -> Iterable[Entry]:
    return (entry(f"{number}{name}") for number in range(count))


def test_all_layers_share_a_budget_of_members_and_of_names() -> None:
    budget = Budget(members=15)
    read_contents(source_of(tar_of(entries(10))), budget)
    with pytest.raises(DamagedLayerError, match="to more than 15"):
        read_contents(source_of(tar_of(entries(10))), budget)

    for letter in ("n", "😀"):
        with pytest.raises(DamagedLayerError, match="names are too long"):
            read_contents(source_of(tar_of(entries(20, letter * 200))), Budget(names=4000))


@pytest.mark.parametrize(
    ("name", "is_called"),
    [
        ("a/b", "a/b"),
        ("./a/", "a"),
        ("/a//b", "a/b"),
        ("a/../b", "b"),
        (".", ""),
        ("/", ""),
        ("//a", "a"),
        ("a/./..", ""),
    ],
)
def test_names_are_read_from_the_root(name: str, is_called: str) -> None:
    assert normal(name) == is_called


@given(st.text(st.sampled_from("a./"), max_size=12))
def test_a_normal_name_is_relative_and_never_climbs(name: str) -> None:
    try:
        found = normal(name)
    except TarError:
        assert ".." in name
        return
    assert normal(found) == found
    assert not {".", "..", ""} & {*found.split("/")} or found == ""
