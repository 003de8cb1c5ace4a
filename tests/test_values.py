from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ferrule.errors import InvalidValueError
from ferrule.values import (
    FileCopy,
    Output,
    Port,
    PublishedPort,
    User,
    parse_duration,
    parse_env,
    parse_file,
    parse_label,
    parse_library,
    parse_mirror,
    parse_output,
    parse_port,
    parse_published_port,
    parse_signal,
    parse_size,
    parse_user,
    parse_volume,
)


@pytest.mark.parametrize(
    ("parse", "raw", "value"),
    [
        (parse_port, 3000, Port(number=3000)),
        (parse_port, "53/udp", Port(number=53, protocol="udp")),
        (parse_user, "1000", User(uid=1000, gid=1000)),
        (parse_user, "0:5", User(uid=0, gid=5)),
        (parse_env, "A=b=c", ("A", "b=c")),
        (parse_env, "A=", ("A", "")),
        (parse_label, "a.b=x y", ("a.b", "x y")),
        (parse_file, "static:/app/static", FileCopy(source="static", target=PurePosixPath("/app/static"))),
        (parse_file, {"from": "a", "to": "/b"}, FileCopy(source="a", target=PurePosixPath("/b"))),
        (parse_signal, "SIGQUIT", "SIGQUIT"),
        (parse_signal, "INT", "INT"),
        (parse_signal, "SIGRTMIN+3", "SIGRTMIN+3"),
        (parse_signal, "15", "15"),
        (parse_duration, "30s", 30.0),
        (parse_duration, "1h1m1s500ms", 3661.5),
        (parse_duration, 1.5, 1.5),
        (parse_published_port, "8080:3000", PublishedPort(host=8080, container=3000)),
        (parse_published_port, "3000", PublishedPort(host=3000, container=3000)),
        (parse_published_port, "5353:53/udp", PublishedPort(host=5353, container=53, protocol="udp")),
        (parse_published_port, "53/udp", PublishedPort(host=53, container=53, protocol="udp")),
        (parse_volume, "/app/data", PurePosixPath("/app/data")),
        (parse_volume, "/tmp", PurePosixPath("/tmp")),
        (parse_mirror, "gcr.io=127.0.0.1:5000", ("gcr.io", "127.0.0.1:5000")),
        (parse_output, "oci:out", Output(kind="oci", path=Path("out"))),
        (parse_output, "oci:out/a:v1", Output(kind="oci", path=Path("out/a"), tag="v1")),
        (parse_output, "docker-archive:a:b.tar", Output(kind="docker-archive", path=Path("a:b.tar"))),
        (parse_library, "libfoo.so.1", "libfoo.so.1"),
        (parse_library, "/usr/$LIB/gconv/*.so", "/usr/$LIB/gconv/*.so"),
    ],
)
def test_a_good_value_is_read(parse: Any, raw: Any, value: object) -> None:
    assert parse(raw) == value


@pytest.mark.parametrize(
    ("parse", "raw"),
    [
        (parse_port, 0),
        (parse_port, 65536),
        (parse_port, "80/icmp"),
        (parse_port, True),
        (parse_port, "-1"),
        (parse_port, "٣"),
        (parse_user, "nonroot"),
        (parse_user, "1:2:3"),
        (parse_user, "4294967295"),
        (parse_env, "A"),
        (parse_env, "=x"),
        (parse_env, "A B=x"),
        (parse_label, "=x"),
        (parse_duration, ""),
        (parse_duration, "30"),
        (parse_duration, "1s1m"),
        (parse_duration, -1),
        (parse_duration, True),
        (parse_file, "static"),
        (parse_file, "static:app"),
        (parse_file, "static:/app/../etc"),
        (parse_file, "a:/"),
        (parse_file, "a:/proc/a"),
        (parse_signal, "SIGTERMINATE"),
        (parse_signal, "term"),
        (parse_signal, "0"),
        (parse_signal, "SIGTERM+3"),
        (parse_file, {"from": "a\0", "to": "/b"}),
        (parse_file, {"from": "a"}),
        (parse_file, {"from": "a", "to": 1}),
        (parse_file, {"from": "a", "to": "/b", "mode": 1}),
        (parse_volume, "data"),
        (parse_volume, "/"),
        (parse_volume, "/app"),
        (parse_volume, "/app/"),
        (parse_volume, "/proc/x"),
        (parse_published_port, "a:b"),
        (parse_published_port, "53/udp:53"),
        (parse_published_port, "53:53/icmp"),
        (parse_mirror, "gcr.io"),
        (parse_output, "tar:x"),
        (parse_output, "oci:"),
        (parse_output, "oci"),
        (parse_size, "5"),
        (parse_size, "5 apples"),
        (parse_size, "-5GB"),
        (parse_size, "5G"),
        (parse_size, ""),
        (parse_library, ""),
        (parse_library, "lib*.so"),
        (parse_library, "lib/foo.so"),
        (parse_library, "/usr/*/foo.so"),
        (parse_library, "/usr/../foo.so"),
        (parse_library, "/usr/lib/"),
        (parse_library, "libfoo\n.so"),
    ],
)
def test_a_bad_value_is_refused_with_a_hint(parse: Any, raw: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse(raw)
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("17B", 17), ("500MB", 500 * 1000**2), ("1.5gb", 3 * 1000**3 // 2), ("2 GiB", 2 << 30)],
)
def test_sizes_have_units_of_ten_or_of_two(text: str, size: int) -> None:
    assert parse_size(text) == size
