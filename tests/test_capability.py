import re
from pathlib import Path

import pytest

from ferrule.capability import NAMES, from_attribute, parse_capability, to_attribute
from ferrule.errors import InvalidValueError
from tests.parts.need import need

HEADER = Path("/usr/include/linux/capability.h")


@pytest.mark.parametrize("text", ["NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE", "cap_net_bind_service"])
def test_a_capability_is_named_as_docker_or_the_manual_has_it(text: str) -> None:
    assert parse_capability(text) == "NET_BIND_SERVICE"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("NET_BIND", "did you mean NET_BIND_SERVICE?"),
        ("SYS_TIMES", "did you mean SYS_TIME?"),
        ("all", "the names are in capabilities(7), without CAP_"),
        ("", "the names are in capabilities(7), without CAP_"),
    ],
)
def test_another_word_is_refused_with_the_nearest_name(text: str, hint: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a capability of Linux") as caught:
        parse_capability(text)
    assert caught.value.hint == hint


def test_the_numbers_are_those_of_the_kernel_s_header() -> None:
    need(HEADER.exists(), "linux/capability.h (Debian's linux-libc-dev)")
    found = re.findall(r"^#define CAP_([A-Z_]+)\s+(\d+)$", HEADER.read_text(), re.MULTILINE)
    assert {name: int(number) for name, number in found} == {name: at for at, name in enumerate(NAMES)}


def test_the_attribute_is_what_setcap_writes() -> None:
    assert to_attribute(("NET_BIND_SERVICE",)) == bytes.fromhex("0100000200040000000000000000000000000000")


@pytest.mark.parametrize("names", [("NET_BIND_SERVICE",), ("CHOWN", "SETUID", "BPF"), NAMES])
def test_an_attribute_is_read_as_it_was_written(names: tuple[str, ...]) -> None:
    assert from_attribute(to_attribute(names)) == names


def test_older_and_newer_forms_are_read_too() -> None:
    second = to_attribute(("NET_RAW", "BPF"))
    assert from_attribute(second[:3] + b"\1" + second[4:12]) == ("NET_RAW",)
    assert from_attribute(second[:3] + b"\3" + second[4:] + bytes(4)) == ("NET_RAW", "BPF")
    assert from_attribute(second[:12] + b"\0\0\0\x80" + bytes(4)) == ("NET_RAW", "63")


@pytest.mark.parametrize("value", [b"", b"\1\0\0\2", to_attribute(()) + b"\0", b"\1\0\0\7" + bytes(16)])
def test_what_linux_would_refuse_is_an_error(value: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        from_attribute(value)
