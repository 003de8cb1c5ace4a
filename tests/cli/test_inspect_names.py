"""What a name on the command line of `inspect` means: a binary, or an image."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.cli.inspect import is_binary
from ferrule.errors import InvalidValueError
from ferrule.oci.platform import parse_platform
from tests.fakes.images import entry, tar_of


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program, archives and a layout in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").write_bytes(b"\x7fELF")
    (tmp_path / "image.tar").write_bytes(tar_of([entry("manifest.json")]))
    (tmp_path / "image.tar.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "target" / "release").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["app", "./app", "missing", "./missing", "/missing", "~/missing", "target/missing", "a" * 300]
)
def test_files_and_what_looks_like_a_path_are_binaries(here: Path, name: str) -> None:
    assert is_binary(name)


@pytest.mark.parametrize(
    "name",
    [
        *("image.tar", "image.tar.gz", "target", ".", "oci:app", "docker-archive:app", "docker-daemon:app"),
        *("ghcr.io/acme/shop", "shop:v1", "acme/shop", "shop@sha256:0", f"x/{'a' * 300}"),
    ],
)
def test_archives_folders_and_references_are_images(here: Path, name: str) -> None:
    assert not is_binary(name)


def test_a_pipe_is_never_opened(here: Path) -> None:
    os.mkfifo(here / "pipe")

    assert is_binary("pipe")


@given(st.text(st.characters(exclude_characters="\0"), max_size=20))
def test_every_name_means_one_of_the_two(name: str) -> None:
    assert is_binary(name) in (True, False)


@given(st.text(st.sampled_from("linuxarm64/v8_ -A\n\0"), max_size=14) | st.text(max_size=14))
def test_a_platform_is_what_was_written_or_none(text: str) -> None:
    try:
        assert str(parse_platform(text)) == text
    except InvalidValueError as error:
        assert error.hint
