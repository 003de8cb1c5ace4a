"""What `--mount` takes and refuses."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.engine.mount import Mount, check_mounts, parse_mount
from ferrule.errors import InvalidValueError, UsageError


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/a:/b", Mount(source="/a", target="/b")),
        ("/a:/b:ro", Mount(source="/a", target="/b", read_only=True)),
        ("/a:/b/:rw", Mount(source="/a", target="/b")),
        ("/a=b:/c", Mount(source="/a=b", target="/c")),
        ("type=bind,source=/a,target=/b", Mount(source="/a", target="/b")),
        ("type=bind,src=/a,dst=//b,ro", Mount(source="/a", target="/b", read_only=True)),
        ("type=bind,src=/a,destination=/b,readonly=false", Mount(source="/a", target="/b")),
        ("readonly,type=bind,source=/a:1,target=/b", Mount(source="/a:1", target="/b", read_only=True)),
        ("type=tmpfs,target=/b", Mount(source="", target="/b")),
    ],
)
def test_both_forms_are_read(text: str, mount: Mount) -> None:
    assert parse_mount(text) == mount


def test_a_source_may_be_relative_to_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("./data:/data", "type=bind,source=data,target=/data"):
        assert parse_mount(text) == Mount(source=f"{tmp_path}/data", target="/data")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "is not SOURCE:TARGET"),
        ("/a", "is not SOURCE:TARGET"),
        (":/a", "is not SOURCE:TARGET"),
        ("/a:/b:z", "is not SOURCE:TARGET"),
        ("data:/data", "'data' names a volume"),
        ("/a:b", "'b' is no place for a mount"),
        ("/a:/", "'/' is no place for a mount"),
        ("/a:/b/../..", "is no place for a mount"),
        ("/a:/proc/sys", "nothing is mounted at /proc/sys"),
        ("/a:/dev", "nothing is mounted at /dev"),
        ("/a,b:/c", "a path with a comma"),
        ("/a:/b\0", "control character"),
        ("type=volume,source=a,target=/b", "a mount of type 'volume' is not made here"),
        ("source=/a,target=/b", "a mount has no type"),
        ("type", "a mount has no type"),
        ("type=bind,target=/b", "is not a mount"),
        ("type=tmpfs,source=/a,target=/b", "is not a mount"),
        ("type=tmpfs,target=/b,readonly", "stays empty"),
        ("type=bind,source=/a,target=/b,readonly=maybe", "is not a mount"),
        ("type=bind,source=/a,target=/b,bind-propagation=shared", "'bind-propagation' of a mount"),
        ("type=bind,source=/a", "'' is no place for a mount"),
        ('type=bind,"source=/a,b",target=/b', "a path with a comma"),
    ],
)
def test_what_is_refused_is_named(text: str, cause: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_mount(text)
    assert cause in caught.value.message
    assert caught.value.hint


@given(st.text(alphabet='type=bindsourcetmpfs,:/."\n\0', max_size=40))
def test_any_text_is_a_mount_or_our_error(text: str) -> None:
    try:
        mount = parse_mount(text)
    except InvalidValueError:
        return
    assert mount.target.startswith("/")
    assert mount.kind == "tmpfs" or mount.source.startswith("/")


def test_what_is_mounted_has_to_be_there_and_each_target_once(tmp_path: Path) -> None:
    there = Mount(source=str(tmp_path), target="/data")
    check_mounts((there, Mount(source="", target="/tmp")))
    with pytest.raises(UsageError, match=r"there is no .*/none to mount"):
        check_mounts((Mount(source=f"{tmp_path}/none", target="/data"),))
    with pytest.raises(UsageError, match="two mounts have the target /data"):
        check_mounts((there, there))
