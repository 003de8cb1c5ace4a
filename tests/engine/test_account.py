import os
from pathlib import Path
from threading import Thread

import pytest

from ferrule.engine.account import Account, find_account
from ferrule.engine.rootfs import RootFolder
from ferrule.errors import ImageError

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
ann:x:1200:1300::/home/ann:
bad line
odd:x:many:1:::
homeless:x:7:8:::
"""
GROUP = "root:x:0:\nann:x:1300:\naudio:x:29:bob,ann\n"


@pytest.fixture
def root(tmp_path: Path) -> RootFolder:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return RootFolder(tmp_path)


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("", Account(uid=0, gid=0, groups=(0,), home="/root")),
        ("0", Account(uid=0, gid=0, groups=(0,), home="/root")),
        ("ann", Account(uid=1200, gid=1300, groups=(1300, 29), home="/home/ann")),
        ("1200", Account(uid=1200, gid=1300, groups=(1300, 29), home="/home/ann")),
        ("ann:audio", Account(uid=1200, gid=29, groups=(29,), home="/home/ann")),
        ("ann:77", Account(uid=1200, gid=77, groups=(77,), home="/home/ann")),
        ("4711", Account(uid=4711, gid=0, groups=(0,))),
        ("4711:12", Account(uid=4711, gid=12, groups=(12,))),
        ("homeless", Account(uid=7, gid=8, groups=(8,))),
    ],
)
def test_users_are_read_as_docker_reads_them(root: RootFolder, user: str, account: Account) -> None:
    assert find_account(user, root) == account


@pytest.mark.parametrize(
    ("user", "named"), [("nemo", "nemo"), ("ann:nemo", "nemo"), ("odd", "many"), ("4294967295", "4294967295")]
)
def test_users_that_are_not_there_are_refused_by_name(root: RootFolder, user: str, named: str) -> None:
    with pytest.raises(ImageError, match=named):
        find_account(user, root)


def test_an_image_without_files_knows_numbers(tmp_path: Path) -> None:
    assert find_account("65532:65532", RootFolder(tmp_path)).uid == 65532


def test_the_users_of_this_machine_are_not_the_images(tmp_path: Path) -> None:
    ours = tmp_path / "passwd"
    ours.write_text("ann:x:1200:1300::/home/ann:\n")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").symlink_to(ours)
    with pytest.raises(ImageError, match="'ann' is not in its"):
        find_account("ann", RootFolder(root))


def test_a_pipe_in_place_of_the_table_of_users_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/passwd")
    found: list[Account] = []
    asking = Thread(target=lambda: found.append(find_account("7", RootFolder(tmp_path))), daemon=True)
    asking.start()
    asking.join(10)
    assert found == [Account(uid=7, gid=0, groups=(0,))]
