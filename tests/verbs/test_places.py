"""Volumes, working folder and files over what a base has already."""

from pathlib import Path, PurePosixPath

import pytest

from ferrule.base.entry import FileEntry
from ferrule.config import Settings
from ferrule.errors import ProjectError
from ferrule.verbs.places import place_files, workdir
from tests.verbs.test_parts_of_build import settings_of

P = PurePosixPath
BASE = frozenset(map(P, ("/tmp", "/etc/passwd", "/lib")))


def folder(path: str) -> FileEntry:
    return FileEntry(path=P(path), kind="dir", mode=0o755)


def file(path: str) -> FileEntry:
    return FileEntry(path=P(path), kind="file", source=Path("/project/file"))


def placed(settings: Settings, *files: FileEntry) -> dict[str, tuple[str, int]]:
    return {str(entry.path): (entry.kind, entry.uid) for entry in place_files(files, settings, BASE)}


def test_a_volume_is_the_user_s_with_all_that_lies_in_it() -> None:
    settings = settings_of(volumes=("/var/lib/shop",), user="7:8")
    found = placed(
        settings, folder("/var/lib/shop"), file("/var/lib/shop/seed.db"), file("/var/lib/shopping")
    )
    assert found == {
        "/var/lib/shop": ("dir", 7),
        "/var/lib/shop/seed.db": ("file", 7),
        "/var/lib/shopping": ("file", 0),
    }


def test_folders_on_the_way_to_a_file_in_a_volume_are_the_user_s_too() -> None:
    settings = settings_of(volumes=("/data",), user="7:8")
    found = placed(settings, file("/data/a/b/seed.db"))
    assert list(found.items()) == [
        ("/data", ("dir", 7)),
        ("/data/a", ("dir", 7)),
        ("/data/a/b", ("dir", 7)),
        ("/data/a/b/seed.db", ("file", 7)),
    ]


def test_folders_of_the_base_stay_as_they_are() -> None:
    assert placed(settings_of(volumes=("/tmp",)), folder("/tmp"), folder("/lib"), file("/lib/x")) == {
        "/lib/x": ("file", 0)
    }


def test_a_file_in_the_place_of_a_volume_is_refused() -> None:
    with pytest.raises(ProjectError, match="/data cannot be both a volume and a file"):
        placed(settings_of(volumes=("/data",)), file("/data"))


@pytest.mark.parametrize("path", ["/srv/work", "/app"])
def test_a_working_folder_that_is_missing_is_made_as_root_s(path: str) -> None:
    assert workdir(settings_of(workdir=path), BASE) == (folder(path),)


@pytest.mark.parametrize("path", ["/", "/tmp", "/etc", "/lib"])
def test_a_working_folder_that_the_base_has_stays_as_it_is(path: str) -> None:
    assert workdir(settings_of(workdir=path), BASE) == ()
