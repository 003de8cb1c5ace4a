from typing import Any

import pytest

from ferrule.errors import InvalidValueError
from ferrule.health import Health, parse_health


@pytest.mark.parametrize(
    ("table", "health"),
    [
        ({"path": "/health"}, Health(path="/health")),
        ({"path": "/h?a=b", "port": 80}, Health(path="/h?a=b", port=80)),
        ({"path": "/h", "port": "80"}, Health(path="/h", port=80)),
        ({"path": "/h", "expect": 204, "live": "/l"}, Health(path="/h", expect=204, live="/l")),
        ({"path": "/h", "header": "Host: a.example"}, Health(path="/h", header="Host: a.example")),
        ({"tcp": 5432, "timeout": "500ms"}, Health(tcp=5432, timeout=0.5)),
        ({"command": ["/app/x", "--check"]}, Health(command=("/app/x", "--check"))),
        (
            {"command": ["/x"], "interval": "1m30s", "start-period": 0, "retries": 1},
            Health(command=("/x",), interval=90.0, start_period=0.0, retries=1),
        ),
    ],
)
def test_a_table_is_read(table: dict[str, Any], health: Health) -> None:
    assert parse_health(table) == health


def test_the_times_are_the_usual_ones() -> None:
    health = parse_health({"path": "/"})
    assert (health.interval, health.timeout, health.start_period, health.retries) == (30, 5, 10, 3)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "a health check has one of path, tcp and command"),
        ({"path": "/a", "command": ["x"]}, "a health check has one of path, tcp and command"),
        ({"path": "health"}, "'health' is not a path of a URL"),
        ({"path": "/a b"}, "'/a b' is not a path of a URL"),
        ({"path": "/a", "live": "l"}, "'l' is not a path of a URL"),
        ({"command": "x"}, "the command is not a list of strings"),
        ({"command": []}, "the command is not a list of strings"),
        ({"command": ["a\0b"]}, "the command is not a list of strings"),
        ({"path": "/a", "retires": 3}, "'retires' is no key of a health check"),
        ({"tcp": 80, "expect": 200}, "'expect' is for a path alone"),
        ({"tcp": 0}, "0 is not a port"),
        ({"tcp": "53/udp"}, "'53/udp' is not a port of TCP"),
        ({"path": "/a", "expect": 100}, "expect = 100 is not a status of HTTP"),
        ({"path": "/a", "expect": True}, "expect = True is not a status of HTTP"),
        ({"path": "/a", "header": "a\r\nb: c"}, "'a\\r\\nb: c' is not a header"),
        ({"path": "/a", "header": "Host"}, "'Host' is not a header"),
        ({"path": "/a", "interval": "soon"}, "'soon' is not a duration"),
        ({"path": "/a", "interval": 0}, "0 is too short or too long"),
        ({"path": "/a", "timeout": "48h"}, "'48h' is too short or too long"),
        ({"path": "/a", "start-period": -1}, "-1 is not a duration"),
        ({"path": "/a", "retries": 0}, "retries = 0 is not from 1 to 1000"),
    ],
)
def test_a_bad_table_is_refused_with_a_hint(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_health(table)
    assert caught.value.message == message
    assert caught.value.hint


def test_a_header_that_would_be_a_secret_for_everybody_is_refused_without_its_value() -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_health({"path": "/a", "header": "Authorization: Bearer s3cret"})
    assert "Authorization" in caught.value.message
    assert "s3cret" not in caught.value.message + caught.value.hint
