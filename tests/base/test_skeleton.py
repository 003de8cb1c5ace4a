import io
import tarfile
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest

from ferrule.base.entry import FileEntry
from ferrule.base.skeleton import ZONES, accounts_over, certificates, skeleton, time_zones, words_for
from ferrule.elf.files import LocalFiles
from ferrule.image.tar import with_parents, write_tar
from ferrule.values import User


def by_path(entries: tuple[FileEntry, ...]) -> dict[str, FileEntry]:
    return {str(entry.path): entry for entry in entries}


def text(entries: tuple[FileEntry, ...], path: str) -> str:
    source = by_path(entries)[path].source
    assert isinstance(source, bytes)
    return source.decode()


def test_a_title_names_what_is_there_and_nothing_else() -> None:
    every, accounts = skeleton(User()), skeleton(User())[1::2]

    assert words_for((*time_zones(), *every, *certificates())) == (
        *("users", "nsswitch", "/tmp", "certificates", "zones"),
    )
    assert words_for(accounts) == ("users",)
    assert words_for(certificates()) == ("certificates",)
    assert words_for(time_zones()) == ("zones",)
    assert words_for(()) == ()


def test_everybody_may_write_to_tmp_and_only_owners_delete() -> None:
    tmp = by_path(skeleton(User()))["/tmp"]

    assert (tmp.kind, tmp.mode, tmp.uid) == ("dir", 0o1777, 0)


def test_the_common_users_have_names_and_no_second_line() -> None:
    lines = text(skeleton(User()), "/etc/passwd").splitlines()

    assert [line.split(":")[:4] for line in lines] == [
        ["root", "x", "0", "0"],
        ["nobody", "x", "65534", "65534"],
        ["nonroot", "x", "65532", "65532"],
    ]
    assert all(len(line.split(":")) == 7 for line in lines)


def test_another_number_gets_a_line_in_both_tables() -> None:
    entries = skeleton(User(uid=1000, gid=2000))

    assert "app:x:1000:2000:app:/:/sbin/nologin" in text(entries, "/etc/passwd").splitlines()
    assert "app:x:2000:" in text(entries, "/etc/group").splitlines()


def test_a_known_group_is_not_named_twice() -> None:
    groups = text(skeleton(User(uid=1000, gid=0)), "/etc/group").splitlines()

    assert [line for line in groups if line.split(":")[2] == "0"] == ["root:x:0:"]


def test_hosts_are_looked_up_in_the_file_and_then_by_dns() -> None:
    assert text(skeleton(User()), "/etc/nsswitch.conf") == "hosts: files dns\n"


def test_the_roots_are_a_bundle_that_openssl_takes() -> None:
    import ssl

    (bundle,) = certificates()
    assert isinstance(bundle.source, Path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=bundle.source)

    assert bundle.path == PurePosixPath("/etc/ssl/certs/ca-certificates.crt")
    assert context.cert_store_stats()["x509_ca"] > 100


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zones, unpacked from a tar of ours."""
    raw = io.BytesIO()
    write_tar(with_parents(time_zones()), raw, mtime=0)
    root = tmp_path_factory.mktemp("zones")
    with tarfile.open(fileobj=io.BytesIO(raw.getvalue())) as tar:
        tar.extractall(root, filter="fully_trusted")
    return root / ZONES.relative_to("/")


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("Europe/Berlin", 2),
        ("US/Eastern", -4),
        ("Asia/Calcutta", 5.5),
        ("America/Indiana/Knox", -5),
        ("UTC", 0),
    ],
)
def test_a_zone_is_found_under_each_of_its_names(zones: Path, name: str, hours: float) -> None:
    with (zones / name).open("rb") as file:
        zone = zoneinfo.ZoneInfo.from_file(file)

    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(zone).utcoffset() == timedelta(hours=hours)


def test_every_name_of_the_package_is_there(zones: Path) -> None:
    import tzdata

    package = Path(tzdata.__path__[0])
    names = (package / "zones").read_text().split()

    assert len(names) > 500
    assert [name for name in names if not (zones / name).is_file()] == []


def test_no_link_is_broken_and_no_content_is_there_twice(zones: Path) -> None:
    files = [path for path in zones.rglob("*") if path.is_file() and not path.is_symlink()]

    assert all(path.resolve().exists() for path in zones.rglob("*"))
    assert len({path.read_bytes() for path in files}) == len(files)
    assert not [path.name for path in files if path.suffix in (".tab", ".py", ".zi")]


def test_the_zones_are_small(zones: Path) -> None:
    raw = io.BytesIO()
    write_tar(with_parents(time_zones()), raw, mtime=0)

    assert sum(path.stat().st_size for path in zones.rglob("*") if path.is_file()) < 550_000
    assert len(raw.getvalue()) < 640_000


def test_a_base_s_own_accounts_keep_their_lines_and_get_one_for_the_user(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh")
    (tmp_path / "etc" / "group").write_text("root:x:0:\nweb:x:2000:\n")
    entries = accounts_over(User(uid=1000, gid=2000), LocalFiles(tmp_path))

    assert list(by_path(entries)) == ["/etc/passwd"]
    assert text(entries, "/etc/passwd") == "root:x:0:0::/root:/bin/sh\napp:x:1000:2000:app:/:/sbin/nologin\n"
    assert accounts_over(User(uid=0, gid=0), LocalFiles(tmp_path)) == ()
