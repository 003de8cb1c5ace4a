import gzip
import io
import os
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import deflate
import pytest
from msgspec.structs import replace

from ferrule.base.entry import FileEntry
from ferrule.errors import ProjectError
from ferrule.image.gzip import MEMBER, GzipWriter
from ferrule.image.layer import LayerSpec, make_layer
from ferrule.image.store import BlobStore, BlobWriter
from ferrule.image.tar import content_size, with_parents, write_tar
from ferrule.image.untar import FileSource, TarError, members
from ferrule.oci.descriptor import Descriptor
from ferrule.oci.digest import digest_of
from ferrule.process import Command, SystemRunner


def entry(path: str, content: bytes | Path = b"", mode: int = 0o644) -> FileEntry:
    return FileEntry(path=PurePosixPath(path), kind="file", mode=mode, source=content)


def tar_of(*entries: FileEntry, mtime: int = 0) -> bytes:
    sink = io.BytesIO()
    write_tar(entries, sink, mtime=mtime)
    return sink.getvalue()


def test_a_tar_holds_what_the_entries_say_and_nothing_of_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "program"
    file.write_bytes(b"x" * 1000)
    link = FileEntry(path=PurePosixPath("/b/link"), kind="link", mode=0o777, target="../a")
    folder = FileEntry(path=PurePosixPath("/tmp"), kind="dir", mode=0o1777)
    data = tar_of(entry("/b/program", file, 0o755), link, folder, entry("/a", b"hello"), mtime=5)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == ["a", "b/link", "b/program", "tmp"]
        assert {(member.uid, member.gid, member.uname, member.gname, member.mtime) for member in members} == {
            (0, 0, "", "", 5)
        }
        assert [oct(member.mode) for member in members] == ["0o644", "0o777", "0o755", "0o1777"]
        assert archive.getmember("b/link").linkname == "../a"
        content = archive.extractfile("b/program")
        assert content is not None
        assert content.read() == b"x" * 1000


def test_capabilities_are_in_a_record_of_the_program_alone() -> None:
    program = replace(entry("/app/shop", b"program", 0o755), capabilities=("NET_BIND_SERVICE", "SETUID"))
    data = tar_of(program, entry("/app/tool", b"tool"))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        shop, tool = archive.getmembers()
    value = shop.pax_headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape")
    assert value == bytes.fromhex("0100000280040000000000000000000000000000")
    assert tool.pax_headers == {}
    found = [(member.name, member.capabilities) for member in members(FileSource(io.BytesIO(data)))]
    assert found == [("app/shop", ("SETUID", "NET_BIND_SERVICE")), ("app/tool", ())]


def test_a_capability_record_that_linux_would_refuse_makes_the_layer_unreadable() -> None:
    info = tarfile.TarInfo("app/shop")
    info.pax_headers = {"SCHILY.xattr.security.capability": "nonsense"}
    data = info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)
    with pytest.raises(TarError, match="capability record in it is damaged"):
        list(members(FileSource(io.BytesIO(data))))


def test_the_order_of_the_entries_does_not_matter() -> None:
    one, two = entry("/a/x", b"1"), entry("/b", b"2")
    assert tar_of(one, two) == tar_of(two, one)


def test_long_and_foreign_names_are_kept() -> None:
    names = ["/" + "n" * 150 + "/" + "m" * 120, "/zażółć/gęślą"]
    with tarfile.open(fileobj=io.BytesIO(tar_of(*map(entry, names)))) as archive:
        assert sorted(f"/{name}" for name in archive.getnames()) == sorted(names)


def test_a_golden_digest_holds_the_bytes_of_tar_and_gzip() -> None:
    data = tar_of(entry("/app/shop", bytes(range(256)) * 8192, 0o755), entry("/etc/passwd", b"root:x:0:0\n"))
    sink = io.BytesIO()
    with GzipWriter(sink) as stream:
        stream.write(data)
    assert digest_of(data) == "sha256:e04afec1dbeb5256b6ed1de18014b77a834ddacd1cdd6108244e1ba25c9c2a2f"
    assert (
        digest_of(sink.getvalue())
        == "sha256:80fc1681b8ed05a2bddb867435ced90bb5d72036bb46629695c0e42e30d96e9a"
    )


def test_a_golden_digest_holds_the_level_of_compression() -> None:
    """Of content that the levels pack differently: bytes in a pattern come out of all of them the same."""
    sink = io.BytesIO()
    with GzipWriter(sink) as stream:
        stream.write(b"".join(b"%d %d\n" % (n * n, n**3 % 9973) for n in range(100_000)))
    assert (
        digest_of(sink.getvalue())
        == "sha256:d01416b32f864e1f93dceb7a83f75c29e8d63faa3b03e9347f0ff9a5882c2547"
    )


def test_a_file_that_vanished_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot read"):
        tar_of(entry("/a", tmp_path / "gone"))
    with pytest.raises(ProjectError, match="cannot read"):
        content_size([entry("/a", tmp_path / "gone")])


def test_a_full_disk_is_not_blamed_on_the_file_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(os.urandom(1000))
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        write_tar([entry("/a", tmp_path / "program")], full, mtime=0)


WRITES = """
import sys
from tests.image.test_layer import entry, tar_of
sys.stdout.buffer.write(tar_of(entry("/\\udcff-\\u017c")))
"""


def test_a_name_of_no_encoding_is_written_the_same_in_every_locale() -> None:
    ascii_alone = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    finished = SystemRunner().run(Command(argv=(sys.executable, "-c", WRITES), env=ascii_alone))
    assert finished.stdout == tar_of(entry("/\udcff-ż")), finished.stderr.decode()


def test_parents_are_added_once_and_not_where_the_base_has_them() -> None:
    entries = (entry("/a/b/c"), entry("/a/b/d"), entry("/etc/x"))
    added = [e.path for e in with_parents(entries, frozenset({PurePosixPath("/etc")})) if e.kind == "dir"]
    assert sorted(map(str, added)) == ["/a", "/a/b"]


@pytest.mark.parametrize("size", [0, 1, MEMBER - 1, MEMBER, MEMBER + 1, 3 * MEMBER + 17])
def test_gzip_in_members_reads_back_whole_and_does_not_depend_on_how_it_was_written(size: int) -> None:
    data = os.urandom(1000) * (size // 1000 + 1)
    data = data[:size]
    results = []
    for step in (size or 1, 70_001):
        sink = io.BytesIO()
        with GzipWriter(sink) as stream:
            for at in range(0, size, step):
                stream.write(data[at : at + step])
        results.append(sink.getvalue())
    assert results[0] == results[1]
    assert gzip.decompress(results[0]) == data


def test_members_carry_no_time_and_are_libdeflate_s() -> None:
    sink = io.BytesIO()
    with GzipWriter(sink) as stream:
        stream.write(b"hello")
    assert sink.getvalue() == deflate.gzip_compress(b"hello", 6)
    assert sink.getvalue()[4:8] == bytes(4)


def test_a_layer_is_compressed_once_and_found_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    spec = LayerSpec(title="files", entries=(entry("/a", b"hello"),))
    first = make_layer(spec, store, mtime=0)
    blob = store.path(first.descriptor)
    before = blob.stat().st_mtime_ns
    again = make_layer(spec, BlobStore(tmp_path), mtime=0)
    assert again == first
    assert blob.stat().st_mtime_ns == before
    raw = gzip.decompress(blob.read_bytes())
    assert (digest_of(raw), len(raw)) == (first.diff_id, first.size)


@pytest.mark.parametrize("damage", ["blob", "note"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: str) -> None:
    spec = LayerSpec(title="files", entries=(entry("/a", b"hello"),))
    first = make_layer(spec, BlobStore(tmp_path), mtime=0)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        if ("sha256" in path.parts) == (damage == "blob"):
            path.write_bytes(b"{broken")
    again = make_layer(spec, BlobStore(tmp_path), mtime=0)
    assert again == first
    assert digest_of(BlobStore(tmp_path).path(again.descriptor).read_bytes()) == first.descriptor.digest


def test_a_file_that_changes_between_the_two_readings_counts_as_it_was_packed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")

    class Meddler(BlobStore):
        @contextmanager
        def writer(self, *, expect: Descriptor | None = None) -> Iterator[BlobWriter]:
            file.write_bytes(b"new")
            with super().writer(expect=expect) as blob:
                yield blob

    store = Meddler(tmp_path / "store")
    layer = make_layer(LayerSpec(title="files", entries=(entry("/a", file),)), store, mtime=0)
    packed = gzip.decompress(store.path(layer.descriptor).read_bytes())
    assert packed == tar_of(entry("/a", b"new"))
    assert layer.diff_id == digest_of(packed)
