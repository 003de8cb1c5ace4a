"""A tar goes in, its members come out. Tars are written by tarfile in all its formats, or by hand."""

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferrule.image.untar import FileSource, Member, TarError, members
from tests.fakes.images import entry, folder, hard_link, link, tar_of
from tests.fakes.layouts import header, with_checksum

END = bytes(1024)
SIZE = b"00000000000\0"
LONG = "d" * 90 + "/" + "n" * 160


def read(data: bytes) -> list[Member]:
    return list(members(FileSource(io.BytesIO(data))))


def written(format: int, *entries: tuple[tarfile.TarInfo, bytes]) -> bytes:  # noqa: A002 - as tarfile has it
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=format) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_names_of_any_length_and_large_owners_are_read(format: int) -> None:  # noqa: A002 - as tarfile has it
    data = written(
        format, entry(LONG, b"abc", uid=3_000_000, mode=0o4755), link("l", LONG), hard_link("ü", LONG)
    )

    assert read(data) == [
        Member(name=LONG, kind="file", mode=0o4755, uid=3_000_000, size=3, offset=read(data)[0].offset),
        Member(name="l", kind="link", target=LONG, offset=read(data)[1].offset),
        Member(name="ü", kind="hard link", target=LONG, offset=read(data)[2].offset),
    ]


def test_ustar_puts_the_folder_in_front() -> None:
    name = f"{'d' * 100}/{'n' * 90}"

    assert [member.name for member in read(written(tarfile.USTAR_FORMAT, entry(name, b"x")))] == [name]


def test_the_content_lies_at_the_offset() -> None:
    data = tar_of([entry("a", b"1" * 600), entry(LONG, b"second")])

    assert [data[member.offset :][: member.size] for member in read(data)] == [b"1" * 600, b"second"]


def test_content_may_be_read_before_the_next_member_is_asked_for() -> None:
    source = FileSource(io.BytesIO(tar_of([entry("a", b"1" * 600), entry("b", b"two")])))

    assert [source.read(2) + source.read(member.size - 2) for member in members(source)] == [
        b"1" * 600,
        b"two",
    ]


def test_a_slash_at_the_end_made_a_folder_before_there_was_a_type() -> None:
    assert [member.kind for member in read(header(b"d/", SIZE, b"\0") + END)] == ["dir"]


def test_only_files_have_content() -> None:
    """Readers pass over no content of a link, whatever its header says."""
    data = header(b"l", b"00000001000\0", b"2", link=b"x") + header(b"f", SIZE) + END

    assert [(member.name, member.size) for member in read(data)] == [("l", 0), ("f", 0)]


def test_numbers_are_octal_or_binary() -> None:
    data = header(b"a", b"\x80" + (3).to_bytes(11, "big"), uid=b" 17 \0\0\0\0", gid=b"\0" * 8) + b"abc".ljust(
        512
    )

    (member,) = read(data)
    assert (member.size, member.uid, member.gid) == (3, 0o17, 0)


def test_a_pax_header_is_for_the_next_member_alone() -> None:
    data = tar_of([entry("a", pax_headers={"path": "b", "comment": "c"}), entry("c")])

    assert [member.name for member in read(data)] == ["b", "c"]


def test_names_of_no_encoding_stay_apart() -> None:
    names = [member.name for member in read(header(b"\xff", SIZE) + header(b"\xfe", SIZE) + END)]

    assert [name.encode("utf-8", "surrogateescape") for name in names] == [b"\xff", b"\xfe"]


def test_what_stands_behind_the_end_is_not_looked_at() -> None:
    assert [member.name for member in read(tar_of([entry("a")]) + b"anything")] == ["a"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is empty"),
        (b"x" * 512, "it is no tar"),
        (header(b"a", b"00000002000\0") + bytes(512), "cut short"),
        (header(b"x", b"00000000005\0", b"x") + b"hello".ljust(512, b"\0"), "damaged"),
        (header(b"x", b"00000000011\0", b"x") + b"9 path=a\n".ljust(512, b"\0"), "ends behind"),
        (header(b"x", b"00000000007\0", b"x") + b"7 path\n".ljust(512, b"\0"), "damaged"),
        (header(b"x", b"00000000011\0", b"x") + b"99 path=b\n".ljust(512, b"\0"), "damaged"),
        (
            header(b"x", b"00000000014\0", b"x") + b"12 path=a\0b\n".ljust(512, b"\0") + header(b"a", SIZE),
            "NUL",
        ),
        (header(b"a", SIZE, mode=b"0000999\0"), "the mode b'0000999'"),
        (header(b"a", SIZE, uid=b"\xc0" + bytes(7)), "the owner is below zero"),
        (header(b"d/", b"00000000001\0", b"\0") + bytes(512), "ends as a folder's"),
        (header(b"d/", SIZE), "ends as a folder's"),  # a file for Go and Python, a folder for GNU tar
    ],
)
def test_what_readers_would_not_agree_on_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(TarError, match=says):
        read(data)


def refuse_or_read(data: bytes) -> None:
    """Nothing but a refusal, and no member beyond the bytes that are there."""
    try:
        for member in members(FileSource(io.BytesIO(data))):
            assert 0 <= member.offset <= len(data)
            assert "\0" not in member.name + member.target
    except TarError as error:
        assert "\n" not in str(error)


@settings(deadline=None)
@given(st.binary(max_size=2048))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    refuse_or_read(data)


WHOLE = written(tarfile.GNU_FORMAT, entry(LONG, b"1" * 600), link("l", LONG))[:-1024] + tar_of(
    [
        folder("d"),
        entry("d/f", b"1" * 600, pax_headers={"path": "long", "size": "600"}),
        hard_link("h", "d/f"),
    ]
)
HEADERS = [start for start in range(0, len(WHOLE), 512) if WHOLE[start + 257 :].startswith(b"ustar")]
CHANGES = st.lists(st.tuples(st.integers(0, 511), st.binary(min_size=1, max_size=12)), max_size=4)


@settings(max_examples=300, deadline=None)
@given(where=st.sampled_from(HEADERS), changes=CHANGES, keep=st.just(len(WHOLE)) | st.integers(0, len(WHOLE)))
def test_headers_that_lie_are_read_or_refused(
    where: int, changes: list[tuple[int, bytes]], keep: int
) -> None:
    """Their checksums are right, so that every field is looked at."""
    block = bytearray(WHOLE[where : where + 512])
    for offset, content in changes:
        block[offset : offset + len(content)] = content
    data = WHOLE[:where] + with_checksum(bytes(block[:512])) + WHOLE[where + 512 :]
    refuse_or_read(data[:keep])


@settings(max_examples=200, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=5))
def test_damaged_tars_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for place, byte in changes:
        data[place] = byte
    refuse_or_read(bytes(data))


RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["path", "linkpath", "size", "uid", "mtime", "GNU.sparse.major", "x"]),
        st.text(max_size=8),
    ),
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(RECORDS, st.binary(max_size=30))
def test_any_records_are_read_or_refused(records: list[tuple[str, str]], rest: bytes) -> None:
    data = b"".join(
        b"%d %s=%s\n" % (len(f"{key}={value}".encode()) + 4, key.encode(), value.encode())
        for key, value in records
    )
    whole = data + rest
    padded = whole + bytes(-len(whole) % 512)
    refuse_or_read(header(b"p", b"%011o\0" % len(whole), b"x") + padded + header(b"a", SIZE) + END)
