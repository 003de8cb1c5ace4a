"""A donor that several images have in common is read once."""

from pathlib import Path, PurePosixPath

from ferrule.base.fitted import Donor, fitted
from ferrule.elf.facts import read_binary
from ferrule.elf.files import LocalFiles
from tests.base.test_fitted import DONOR, HOME, written
from tests.fakes.elf import library, program
from tests.fakes.packages import INFO, dpkg
from tests.fakes.trees import tree


class Counted(LocalFiles):
    """A donor's files that count how often dpkg's lists are looked through."""

    looked = 0

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        self.looked += folder == PurePosixPath(INFO)
        return super().names(folder)


def test_the_records_of_a_donor_are_read_once_for_the_same_files(tmp_path: Path) -> None:
    packages = {"libc6:amd64": (f"{HOME}/libc.so.6",)}
    extra = {f"{HOME}/libother.so.1": library("libother.so.1", "libc.so.6")}
    files = Counted(tree(tmp_path / "donor", {**DONOR, **extra, **dpkg(packages)}).root)
    donor = Donor(files=files)
    texts = {"one": ("libc.so.6",), "two": ("libc.so.6",), "three": ("libc.so.6", "libother.so.1")}
    found = [
        fitted((read_binary(written(tmp_path / name, program(*needed))),), donor)
        for name, needed in texts.items()
    ]
    assert found[0] == found[1] != found[2]
    assert files.looked == 2
